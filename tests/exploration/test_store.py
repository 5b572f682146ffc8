"""What a study writes down, and reads again."""

from bsnn_hw.exploration.store import COLUMNS, open_store


def test_points_with_any_of_the_columns(tmp_path):
    with open_store(tmp_path) as store:
        for count in range(len(COLUMNS) + 1):
            row = dict(zip(COLUMNS[:count], range(count), strict=True))
            store.add_point(f"p{count}", {"seed": count}, row, [])
            found = dict(store.point(f"p{count}"))
            assert {name: found[name] for name in COLUMNS} == {**dict.fromkeys(COLUMNS), **row}
