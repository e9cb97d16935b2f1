"""What there is to publish: the repositories, and the releases of the galos-sync stand-in."""

from __future__ import annotations

from dataclasses import dataclass

REPOSITORY = "galos-sync"
TOOLS = "galos-tools"
REPOSITORIES = (REPOSITORY, "galos-map", TOOLS)

V1 = ("20260801120000_create_systems", "20260803090000_create_stars_and_bodies")
V2 = (*V1, "20260806140000_allow_stars_without_orbits", "20260806150000_rename_surface_columns")

WORK = """
SELECT format('watching %s systems, %s stars, %s bodies',
    (SELECT count(name) FROM systems),
    (SELECT count({star}) FROM stars),
    (SELECT count({body}) FROM bodies));
"""
WORK_V1 = WORK.format(star="orbit", body="surface_temp")
WORK_V2 = WORK.format(star="coalesce(parent_id, id)", body="surface_temperature")


@dataclass(frozen=True)
class Release:
    """What a version carries: its migrations, the query it lives on, the way it fails."""

    migrations: tuple[str, ...]
    work: str = WORK_V2
    crash: str = ""
    healthcheck: str = ""


RELEASES = {
    "v1": Release(V1, work=WORK_V1),
    "v2": Release(V2),
    "v3": Release(V2),
    "broken-migration": Release((*V2, "20260811100000_drop_axial_tilt")),
    "slow-migration": Release((*V2, "20260812100000_index_system_names")),
    "crashing": Release(V2, crash="invalid EDDN relay address"),
    "unhealthy": Release(V2, healthcheck="echo 'no message from EDDN'; exit 1"),
    "healthy": Release(V2, healthcheck="exit 0"),
}
