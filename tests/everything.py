"""A service with all that a stack may have, as a compose file says it: what is read from it, and what Docker takes."""

from __future__ import annotations

EVERYTHING = """
services:
  web:
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    command: [serve]
    configs: [{source: site, target: /site, uid: "1", gid: "1", mode: "0440"}]
    credential_spec: {registry: web}
    deploy:
      mode: replicated
      endpoint_mode: vip
      replicas: 0
      labels: {side: front}
      placement:
        constraints: [node.role == manager]
        max_replicas_per_node: 1
        preferences: [{spread: node.labels.zone}]
      resources:
        limits: {cpus: 0.5, memory: 64M, pids: 100}
        reservations:
          cpus: 0.25
          memory: 16M
          generic_resources: [{discrete_resource_spec: {kind: gpu, value: 1}}]
      restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3, window: 2m}
      rollback_config: &update
        parallelism: 1
        delay: 1s
        failure_action: pause
        monitor: 5s
        max_failure_ratio: 0.1
        order: stop-first
      update_config: *update
    dns: [10.0.0.1]
    dns_search: [example.org]
    entrypoint: [web]
    environment: {NAME: value}
    extra_hosts: ["far=10.0.0.1"]
    healthcheck: {test: [CMD, "true"], interval: 5s, retries: 3, start_period: 1s, timeout: 1s}
    hostname: web
    image: web
    init: true
    isolation: default
    labels: {of: web}
    logging: {driver: json-file, options: {max-size: 1m}}
    networks: {back: {aliases: [web]}, outside: null}
    ports: [{mode: ingress, protocol: tcp, published: "8081", target: 80}]
    read_only: true
    secrets: [{source: key, target: /key, uid: "1", gid: "1", mode: 288}]
    stdin_open: true
    stop_grace_period: 1m0s
    stop_signal: SIGINT
    sysctls: {net.core.somaxconn: "1024"}
    tmpfs: ["/scratch:size=1m"]
    tty: true
    ulimits: {nofile: {soft: 100, hard: 200}, nproc: 50}
    user: "1:1"
    volumes:
      - {type: volume, source: data, target: /data, read_only: true, consistency: cached, volume: {nocopy: true}}
      - {type: bind, source: /srv, target: /srv, bind: {propagation: rprivate}}
      - {type: tmpfs, target: /cache, tmpfs: {size: "1048576"}}
    working_dir: /work
networks:
  back:
    attachable: true
    driver: overlay
    driver_opts: {com.docker.network.driver.mtu: "1400"}
    internal: true
    ipam: {driver: default, config: [{subnet: 172.31.250.0/24}]}
    labels: {of: web}
    name: s_back
  outside: {name: outside, external: true}
volumes: {data: {name: s_data, driver: local, driver_opts: {type: tmpfs, device: tmpfs}, labels: {of: web}}}
secrets: {key: {name: s_key, file: /etc/hostname, labels: {of: web}, template_driver: golang}}
configs: {site: {name: s_site, file: /etc/hostname, labels: {of: web}, template_driver: golang}}
"""
