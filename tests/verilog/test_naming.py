"""Plain names."""

from bsnn_hw.verilog.naming import plain_names


def test_plain_names_stay():
    assert plain_names(["clk", "fc1_out"]) == {"clk": "clk", "fc1_out": "fc1_out"}


def test_scopes_copies_and_elements():
    names = plain_names(["top.fc1", "data$12", "sums[3]", "U$0", "3d"])
    assert names == {"top.fc1": "top_fc1", "data$12": "data_12", "sums[3]": "sums_3",
                     "U$0": "U_0", "3d": "_3d"}


def test_reserved_words():
    assert plain_names(["event", "table", "double"]) == {
        "event": "event_", "table": "table_", "double": "double_"}


def test_no_two_names_meet():
    names = plain_names(["a.b", "a$b", "a_b", "a b"], taken={"a_b_2"})
    assert names["a_b"] == "a_b"
    assert len(set(names.values())) == 4
    assert "a_b_2" not in names.values()


def test_names_that_differ_in_case_only():
    """Modules become files, and some file systems do not tell upper from lower case."""
    names = plain_names(["a.b", "A.b", "A_B", "x", "X"])
    assert names["A_B"] == "A_B"
    assert names["X"] == "X"
    assert len({name.casefold() for name in names.values()}) == 5
