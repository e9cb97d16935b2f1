"""What lets a host and its operator in: sudo, the keys of AWS, the registry."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Instead, Never, Returns, Text, WithoutArgument
from tests.mutants.mutant import Mutant, group

SETUP, AWS = "tests/integration/test_setup.py", "tests/unit/test_aws.py"

TYPED = "tests/unit/test_run.py::test_what_makes_no_sense_is_told_before_a_hook_is_asked_or_a_host_connected_to"
NO_COMMAND = "tests/integration/test_sessions.py::test_what_is_no_command_is_exit_2"
CONNECT = "tests/integration/test_connect.py::test_an_option_that_makes_no_sense_is_usage"

MUTANTS = (
    *group(
        "galos_ops.provisioning.aws",
        (
            Mutant(
                "refusals",
                Instead(
                    "(BotoCoreError, ClientError, OSError, ValueError, RuntimeError, AttributeError, TypeError)",
                    "(BotoCoreError, ClientError, OSError, ValueError)",
                ),
                {f"{AWS}::test_local_keys_that_cannot_be_used[expired]": "still expired"},
            ),
            Mutant(
                "pushing",
                Returns("[]"),
                {
                    f"{SETUP}::test_keys_that_may_push_are_placed_only_when_asked_to": 'refused(2, "setup")',
                    f"{AWS}::test_what_keys_may_is_asked_of_each_repository_once_and_all_at_once": "team/a",
                },
            ),
            Mutant(
                "_allowed",
                Instead("error.response['Error']['Code'] == NO_UPLOAD", "True"),
                {f"{SETUP}::test_keys_that_may_do_more_than_pull_are_placed_only_when_asked_to": "assert 2 == 0"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.run.Run",
        (
            Mutant("_begin", DropCall("self._read"), {f"{TYPED}[deploy --tag a b]": "assert 3 == 2"}),
            Mutant("_read", DropCall("settings.chosen"), {f"{TYPED}[up --service nope]": "assert 3 == 2"}),
        ),
    ),
    *group(
        "galos_ops.tasks.host_task",
        (
            Mutant(
                "parse_tag",
                Always("re.match(TAG"),
                {f"{CONNECT}[words2]": "refused(2, *words)", f"{TYPED}[deploy --tag a b]": "assert 3 == 2"},
            ),
            Mutant(
                "parse_command",
                Never("argv"),
                {
                    f"{NO_COMMAND}[words0]": "refused(2, *words)",
                    f"{TYPED}[exec ]": "assert 3 == 2",
                },
            ),
            Mutant(
                "HostTask.get_arguments", Instead("str", "one.kind"), {f"{TYPED}[history --limit 0]": "assert 3 == 2"}
            ),
        ),
    ),
    *group(
        "galos_ops.host.host.Host",
        (
            Mutant(
                "sudo",
                Never("SUDO_ASKS"),
                {f"{SETUP}::test_a_sudo_that_asks_is_told_and_nothing_is_changed": 'refused(8, "ecr.helper")'},
            ),
            Mutant(
                "sudo",
                Instead(
                    '''f"exec sudo -S -p '' sh -c {word}"''',
                    '''f"echo {shlex.quote(password)} | sudo -S -p '' sh -c {word}"''',
                ),
                {
                    f"{SETUP}::test_the_password_typed_for_sudo_installs_and_is_nowhere_to_be_seen": (
                        "PASSWORD not in noted() + output"
                    )
                },
            ),
            Mutant(
                "sudo",
                Never("not result.ok"),
                {f"{SETUP}::test_a_wrong_password_for_sudo_fails_in_a_sentence": "code == 1"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.logs",
        (
            Mutant(
                "guard_logs",
                DropCall("invoke.addFilter"),
                {f"{SETUP}::test_the_password_for_sudo_is_not_in_the_debug_log": "repr(PASSWORD) not in output"},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.ecr",
        (
            Mutant(
                "_whose",
                DropCall("say"),
                {
                    f"{SETUP}::test_keys_that_may_do_more_than_pull_are_placed_only_when_asked_to": "about to place",
                    f"{AWS}::test_whose_keys_they_are_is_said_before_they_are_placed": "assert said ==",
                },
            ),
            Mutant(
                "_whose",
                Never("root"),
                {f"{AWS}::test_keys_of_the_root_user_are_never_placed": "DID NOT RAISE"},
            ),
            Mutant(
                "_whose",
                Never("any_"),
                {f"{SETUP}::test_keys_that_may_do_more_than_pull_are_placed_only_when_asked_to": "refused(2, *words)"},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.aws",
        (
            Mutant(
                "proven_keys",
                DropCall("get_authorization_token"),
                {
                    "tests/unit/test_aws.py::test_keys_that_aws_refuses_are_not_placed": "to read files",
                },
            ),
            Mutant(
                "proven_keys",
                Never("frozen.token"),
                {f"{SETUP}::test_keys_that_cannot_be_used_are_a_matter_of_usage": 'refused(2, "ecr.credentials")'},
            ),
            Mutant(
                "BY_TYPE",
                Text("ConnectionError", "NoSuchError"),
                {f"{SETUP}::test_an_aws_that_does_not_answer_is_a_lost_connection": 'refused(3, "setup")'},
            ),
            Mutant(
                "images",
                WithoutArgument("sorted", "reverse"),
                {
                    f"{SETUP}::test_images_are_listed_newest_first_and_the_one_that_runs_is_marked": (
                        "for image in newest_first]"
                    ),
                    f"{SETUP}::test_images_as_json": "pushed == sorted(pushed, reverse=True)",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.ecr",
        (
            Mutant(
                "credentials",
                Never("instance"),
                {
                    f"{SETUP}::test_a_host_with_an_instance_role_is_given_no_keys": "This machine has no AWS keys",
                },
            ),
            Mutant(
                "_check",
                Never("asked.by_old_token"),
                {
                    f"{SETUP}::test_keys_that_were_revoked_are_told_with_the_helper_s_own_words": (
                        'refused(8, "ecr.check")'
                    )
                },
            ),
            Mutant(
                "_refused",
                Never("with_helpers("),
                {
                    f"{SETUP}::test_what_is_missing_on_the_host_is_named_with_the_task_that_mends_it": (
                        "does not name the helper for"
                    )
                },
            ),
            Mutant(
                "HINTS",
                Text(
                    "no such host|dial tcp|i/o timeout|connection re(fused|set)|TLS handshake|Client\\.Timeout"
                    "|deadline|EOF|x509|no answer",
                    "never",
                ),
                {
                    f"{SETUP}::test_a_registry_that_does_not_answer_is_a_matter_of_the_network": (
                        "next: check the network and the CAs of sandbox"
                    )
                },
            ),
            Mutant(
                "_check",
                Always("has("),
                {
                    f"{SETUP}::test_an_image_that_is_not_pushed_yet_is_no_reason_to_keep_the_host_out": (
                        "is not pushed yet"
                    )
                },
            ),
        ),
    ),
)
