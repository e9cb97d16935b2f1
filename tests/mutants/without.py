"""Tests that no mutant of the library can kill, or that would tell nothing more of one: why."""

from __future__ import annotations

WITHOUT: dict[str, tuple[str, ...]] = {
    "it tests what another test listens with": ("test_the_ear_hears_a_secret_on_a_command_line",),
    "nothing in the library speaks SFTP, so there is nothing to take out": ("test_a_host_without_sftp_is_a_host",),
    "whatever we do or do not say, the host itself lets go of the lock of a dead link": (
        "test_a_link_that_is_lost_after_the_last_step_costs_nothing",
    ),
    "docker-compose itself scales back to one": ("test_two_containers_of_the_service_are_one_after_a_deploy",),
    "held twice: it is adopted, and removed by name": (
        "test_a_leftover_of_a_migration_that_never_started_is_no_obstacle",
    ),
}
