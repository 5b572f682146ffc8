"""A test over many values fails with any of them, and says which."""

import inspect
import os

import pytest

from tests.for_each import for_each, for_each_in, quick


def test_the_value_that_fails_is_named():
    turns = []

    @for_each("a, b", [(1, 2), (3, 4), (5, 6)])
    def test(a, b):
        turns.append(a)
        assert b != 4

    with pytest.raises(AssertionError) as caught:
        test()
    assert turns == [1, 3] and caught.value.__notes__ == ["a = 3, b = 4"]


def test_all_pairs_of_two():
    turns = []

    @for_each("a", [1, 2])
    @for_each("b", "xy")
    def test(a, b):
        turns.append((a, b))

    test()
    assert turns == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]


def test_the_values_of_a_fixture():
    turns = []

    @for_each_in("numbers", "number")
    @for_each("letter", "xy")
    def test(number, letter):
        turns.append((number, letter))
        assert (number, letter) != (5, "x")

    assert list(inspect.signature(test).parameters) == ["numbers"]
    with pytest.raises(AssertionError) as caught:
        test(numbers={"four": 4, "five": 5, "six": 6})
    assert turns == [(4, "x"), (4, "y"), (5, "x")]
    assert caught.value.__notes__ == ["letter = 'x'", "of = 'five'"]


@for_each("odd, skipped", [([1], False), ([1, 3], True)])
def test_a_skip_ends_its_turn_only(odd, skipped):
    turns = []

    @for_each("value", [1, 3])
    def test(value):
        if value in odd:
            pytest.skip("odd")
        turns.append(value)

    if skipped:
        with pytest.raises(pytest.skip.Exception):
            test()
    else:
        test()
        assert turns == [3]


def test_no_value_is_no_test():
    with pytest.raises(ValueError, match="seed must have a value"):
        for_each("seed", [])


def test_what_a_turn_does_to_a_dict_is_not_seen_by_the_next():
    @for_each("value", [1, 2])
    def test(document, value):
        assert document == {"layers": [{"leak": 0}]}
        document["layers"][0]["leak"] = value

    test(document={"layers": [{"leak": 0}]})


def test_each_turn_has_folder_patches_and_output_of_its_own(tmp_path, monkeypatch, capsys):
    @for_each("value", [1, 2])
    def test(tmp_path, monkeypatch, capsys, value):
        assert list(tmp_path.iterdir()) == [] and "TURN" not in os.environ
        (tmp_path / "here").touch()
        monkeypatch.setenv("TURN", "1")
        assert capsys.readouterr().out == ""
        print(value)

    test(tmp_path=tmp_path, monkeypatch=monkeypatch, capsys=capsys)
    assert "TURN" not in os.environ


def split(*counts, lists):
    """{mark, or "": turns} of a test over ``lists``."""
    turns, found = [], {}

    def test(**arguments):
        turns.append(tuple(arguments.values()))

    test.__signature__ = inspect.Signature([
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name, _ in lists])
    for name, values in reversed(lists):
        test = for_each(name, values)(test)
    test = quick(*counts)(test)
    (mark,) = test.pytestmark
    for part in mark.args[1]:
        test(turns=part.values[0])
        found["".join(each.name for each in part.marks)] = turns[:]
        turns.clear()
    return found


def test_the_first_of_a_list_are_quick_then_wide_and_all_others_slow():
    five = [("a", range(5))]
    assert split(2, lists=five) == {"": [(0,), (1,)], "slow": [(2,), (3,), (4,)]}
    assert split(1, 2, lists=five) == {"": [(0,)], "wide": [(1,), (2,)], "slow": [(3,), (4,)]}
    assert split(0, 4, lists=five) == {"wide": [(0,), (1,), (2,), (3,)], "slow": [(4,)]}
    assert split(3, None, lists=five) == {"": [(0,), (1,), (2,)], "wide": [(3,), (4,)]}


def test_every_value_of_several_lists_is_met_by_quick_turns():
    lists = [("a", range(5)), ("b", "xy"), ("c", range(2))]
    few, others = split(6, lists=lists).values()
    assert [set(values) for values in zip(*few, strict=True)] == [set(range(5)), {*"xy"}, {0, 1}]
    assert len(few) == 6 and len({*few, *others}) == 20 == len(few) + len(others)
    # What is quick and what is wide together is what would be quick alone.
    fewer, wide, slow = split(2, 4, lists=lists).values()
    assert (fewer + wide, slow) == (few, others)


def test_quick_and_wide_turns_are_fewer_than_all():
    three = for_each("a", range(3))(lambda a: None)
    with pytest.raises(ValueError, match=r"less than 3 turns, not 3$"):
        quick(3)(three)
    with pytest.raises(ValueError, match=r"less than 3 turns, not 1 \+ 2$"):
        quick(1, 2)(three)
