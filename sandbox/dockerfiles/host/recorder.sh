#!/bin/sh
# Write every event of the engine that started at $1 (seconds since 1970) to the record, until that engine is gone.
# A mark tells where it attached and detached; each attachment begins with all that the engine still keeps since its start.
record=/var/log/docker-events.jsonl
exec 9>>/run/recorder.lock
flock 9  # the recorder of the engine before has written its last mark

mark() {
    # The line break first: an event that was cut off stays a line of its own.
    printf '\n{"recorder": "%s", "engine": "%s", "timeNano": %s}\n' "$1" "$2" "$(date +%s%N)" >>"$record"
}

while docker version >/dev/null 2>&1; do
    mark attached "$1"
    docker events --since "$1" --format '{{json .}}' >>"$record" 2>>/var/log/recorder.log
    mark detached "$1"
done
