import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galos_ops.ui.layout import cells, step, table, wrapped

NAMES = "2: 20260806140000 allow stars without orbits, 20260806150000 rename surface columns"


def test_a_step_on_a_line_of_any_length_keeps_its_detail() -> None:
    assert step("!", "pending  ", NAMES, 0.94, None) == f"  ! pending   {NAMES}    0.9 s"
    assert step("✓", "down     ", "", 0.3, None) == "  ✓ down" + " " * 50 + "0.3 s"


@pytest.mark.parametrize("columns", [31, 40, 63, 100])
def test_a_step_fits_the_terminal_and_keeps_mark_name_and_time(columns: int) -> None:
    line = step("!", "pending  ", NAMES, 12.0, columns)
    assert len(line) == columns
    assert line.startswith("  ! pending   2: ")
    assert re.search("… {3,4}12.0 s$", line)


def test_where_not_even_the_name_fits_only_the_detail_goes() -> None:
    assert step("✓", "ecr.docker-config", "written", 1.0, 20) == "  ✓ ecr.docker-config     1.0 s"


def test_short_steps_have_their_times_in_one_column() -> None:
    ends = {len(step("✓", "up       ", detail, 1.0, 100)) for detail in ("", "x", "sha256:1f3a09c2 → sha256:9bc2e071")}
    assert ends == {63}


@given(st.text(max_size=80), st.integers(24, 120))
def test_no_detail_breaks_the_line(detail: str, columns: int) -> None:
    line = step("✓", "pull     ", detail, 1.0, columns)
    assert cells(line) <= columns
    assert line.endswith("    1.0 s")
    assert len(line.splitlines()) == 1


def test_a_letter_as_wide_as_two_is_counted_as_two() -> None:
    assert cells(step("✓", "pull     ", "星" * 40, 1.0, 40)) <= 40


def test_sentences_end_their_lines_between_words() -> None:
    assert wrapped("deployed sha256:33e86345 in 9.2 s · service down for 2.8 s", 40) == [
        "deployed sha256:33e86345 in 9.2 s ·",
        "service down for 2.8 s",
    ]
    assert wrapped("  ! one two three", 10, 4) == ["  ! one", "    two", "    three"]
    assert wrapped("a  row   of cells", None) == ["a  row   of cells"]


def test_the_first_columns_of_a_table_are_cut_after_all_others() -> None:
    rows = [["2026-11-23 20:45", "6d516a84", "ann@laptop", "a long detail"], ["", "1f", "", ""]]
    assert table(rows, 40, 2)[0] == "2026-11-23 20:45  6d516a84  ann@…  a lo…"
    assert table(rows, 32, 2)[0] == "2026-11-23 20:45  6d516a84  …  …"
    assert table(rows, 26, 2)[0] == "2026-11-2…  6d516a84  …  …"
    assert all(len(line) <= 26 for line in table(rows, 26, 2))


ROWS = [["galos-1", "sha256:33e86345", "20260806140000 allow stars without orbits"], ["b", "", "none"]]


def test_columns_of_a_table_are_aligned_and_never_cut_without_a_terminal() -> None:
    assert table(ROWS, None) == [
        "galos-1  sha256:33e86345  20260806140000 allow stars without orbits",
        "b                         none",
    ]


def test_the_widest_column_of_a_table_is_cut_so_that_a_row_stays_a_line() -> None:
    assert table(ROWS, 50) == ["galos-1  sha256:33e86345  20260806140000 allow st…", "b                         none"]


@given(st.lists(st.lists(st.text(max_size=30), min_size=3, max_size=3), min_size=1, max_size=4), st.integers(7, 60))
def test_no_row_is_wider_than_the_terminal(rows: list[list[str]], columns: int) -> None:
    assert max(map(cells, table(rows, columns))) <= columns
