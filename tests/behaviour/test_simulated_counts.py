"""Scoring counts exactly over all seeds of the simulation, and every weakening of how it does so is found out.

`make check` runs the first hundred seeds, `make test` two thousand. SEEDS asks for others: so many (`SEEDS=100000 pytest -n 2 …`), or those
from one up to another (`SEEDS=4711:4712 pytest …`), as a seed that fails says itself.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from contract.codes import ProjectStatus, Provenance, RatingKind
from contract.ledger import CaseStep, CountedRating, CountedService, CountedTurn
from scoring import app, lanes, scores, tally
from scoring.fold import Delta
from scoring.lanes import attribute_of
from simulation import World, simulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from contract.ledger import Counted
    from haochaping.measure.model import Model

    Mutation = Callable[[pytest.MonkeyPatch, World], None]

_BLOCK = 100


def _seeds() -> range:
    first, _, end = os.environ.get("SEEDS", "2000").rpartition(":")
    return range(int(first or 0), int(end))


def _blocks() -> Iterator[Any]:
    seeds = _seeds()
    for start in range(seeds.start, seeds.stop, _BLOCK):
        block = range(start, min(start + _BLOCK, seeds.stop))
        yield pytest.param(block, id=f"{block.start}:{block.stop}", marks=[pytest.mark.slow] if start > seeds.start else [])


@pytest.fixture(scope="module")
def model():
    with simulated() as running:
        yield running


def run(model: Model, seed: int) -> World:
    world = World(model, seed)
    try:
        world.run()
    except Exception as error:
        error.add_note(again(seed))
        raise
    return world


def again(seed: int) -> str:
    return f"seed {seed}; again: SEEDS={seed}:{seed + 1} pytest tests/behaviour/test_simulated_counts.py -k whatever"


@pytest.mark.parametrize("seeds", list(_blocks()))
def test_every_counter_is_what_the_entries_come_to_whatever_the_streams_do(model, seeds):
    for seed in seeds:
        world = run(model, seed)
        wrong = [*miscounted(world), *miscounted_by_hand(world), *leftovers(world)]
        assert not wrong, "\n".join([again(seed), *wrong])


def miscounted(world: World) -> list[str]:
    """The counters of the table that are not what all entries add, each once."""
    return _differences(held_in(world.model), came_to(world.entries))


def miscounted_by_hand(world: World) -> list[str]:
    """The sums that are not what is added up here, without the rule by which scoring counts."""
    return _differences(held_by_hand(world.model), by_hand(world.entries))


def _differences(held: Counter[Any], right: Counter[Any]) -> list[str]:
    wrong = [name for name in held.keys() | right.keys() if held[name] != right[name]]
    return [f"{name}: {held[name]} counted, {right[name]} right" for name in sorted(wrong, key=str)]


# ---------------------------------------------------------------- two judges


def came_to(entries: Iterable[Counted]) -> Counter[Any]:
    """Every counter of every item: all that the entries add, once, whatever lane or batch they came in."""
    total: Counter[Any] = Counter()
    for entry in entries:
        for share in tally.shares(entry):
            total[*share.key, share.counter] += share.amount
    return total


def held_in(model: Model) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for (pk, sk), item in model.tables["scores_table"].items():
        found.update({(pk, sk.rpartition(" ")[0], name): int(value["N"]) for name, value in item.items() if "N" in value})
    return found


def by_hand(entries: Iterable[Counted]) -> Counter[Any]:
    """What a few sums must be, without a line of scoring: of the province by day, and of each member of staff."""
    found: Counter[Any] = Counter()
    for entry in entries:
        match entry:
            case CountedService(status=ProjectStatus.FINISHED):
                found["finished", str(entry.day)] += 1
                found["rated", str(entry.day)] += entry.rated is not None
            case CaseStep():
                found["case", str(entry.day)] += len(entry.measures)
            case CountedTurn():
                out = -1 if entry.turn in {1, 3} else 1
                _rating_by_hand(found, entry, out)
                found["excluded", str(entry.day)] -= out
                found["decided", str(entry.decided_day)] += 1
            case CountedRating():
                _rating_by_hand(found, entry, 1)
                if entry.service_day and entry.round == 1 and entry.provenance != "DEFAULT":
                    found["rated", str(entry.service_day)] += 1
                if entry.takes_back:
                    found["default", str(entry.takes_back.day)] -= 1
    return found


def _rating_by_hand(found: Counter[Any], rating: CountedRating | CountedTurn, amount: int) -> None:
    is_first = rating.round == 1 and rating.kind in {RatingKind.VISIT, RatingKind.MATTER}
    what = "default" if rating.provenance is Provenance.DEFAULT else "first" if is_first else "other"
    found[what, str(rating.day)] += amount
    if rating.organisation and rating.staff_ref and what != "default":
        found["staff", rating.staff_ref] += amount


def held_by_hand(model: Model) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for (pk, sk, name), amount in held_in(model).items():
        parts = name.split(".")
        if pk == "province#330000000000" and (what := _what(parts)):
            found[what, sk] += amount
        elif pk.startswith("desks#") and parts[0] == "staff" and _what(parts[2:]) in {"first", "other"}:
            found["staff", parts[1]] += amount
    return found


def _what(parts: list[str]) -> str | None:
    """Which of the sums a counter belongs to, None for one that has no part in them."""
    if parts[0] in RatingKind.__members__:
        kind, round, provenance, _ = parts
        return "default" if provenance == "DEFAULT" else "first" if kind in {"VISIT", "MATTER"} and round == "1" else "other"
    decided = {"excluded_decided": "decided", "restored_decided": "decided"}
    return decided.get(parts[0], parts[0] if parts[0] in {"finished", "rated", "excluded", "case"} else None)


def leftovers(world: World) -> list[str]:
    """Checkpoints older than 48 hours in the items that an undisturbed entry touched days after all others."""
    if world.late is None:
        return []
    table = world.model.tables["scores_table"]
    keys = {share.key for share in tally.shares(world.late.records[0].entry)}
    slots = {key: scores.at(key, world.late.name) for key in keys}
    held = {key: {name for name in table[slot] if name.startswith("q_")} for key, slot in slots.items()}
    return [f"{key}: {names} kept" for key, names in held.items() if names != {attribute_of(world.late.name)}]


# ---------------------------------------------------------------- what the seeds are worth


def test_a_seed_is_the_same_world_every_time(model):
    told = []
    for _ in range(2):
        world = run(model, 7)
        told.append((list(model.sent), world.happened, dict(model.tables["scores_table"])))
    assert told[0] == told[1]


def test_the_seeds_meet_everything_that_a_stream_may_do(model):
    worlds = [run(model, seed) for seed in range(60)]
    met = Counter(what for world in worlds for what, times in world.happened.items() if times)
    assert all(met[what] >= 15 for what in ("came again", "stood still", "failed", "died", "asked again")), met
    assert met["dropped"] >= 10, met
    assert sum(any(lane.parent and lane.records for lane in world.lanes) for world in worlds) >= 30
    kinds = {record.raw["dynamodb"]["Keys"]["sk"]["S"][0] for world in worlds for lane in world.lanes for record in lane.records}
    assert kinds == set("ERDXH")


# ---------------------------------------------------------------- the protocol, weakened


def requests(change: Callable[[dict[str, Any], Delta, bytes | None], None]) -> Mutation:
    """Changes what an update asks for."""
    asked = scores._update

    def mutate(patch: pytest.MonkeyPatch, _: World) -> None:
        def update(delta: Delta, mark: str, seen: bytes | None) -> dict[str, Any]:
            request = asked(delta, mark, seen)
            change(request, delta, seen)
            return request

        patch.setattr(scores, "_update", update)

    return mutate


def replaced(owner: Any, name: str, value: Any) -> Mutation:
    return lambda patch, _: patch.setattr(owner, name, value)


def _no_guard(request: dict[str, Any], _: Delta, __: bytes | None) -> None:
    del request["ConditionExpression"]


def _no_compare_and_set(request: dict[str, Any], _: Delta, seen: bytes | None) -> None:
    if seen is not None:
        del request["ConditionExpression"]


def _guard_by_the_last(request: dict[str, Any], _: Delta, seen: bytes | None) -> None:
    if seen is None:
        request["ExpressionAttributeValues"][":first"] = request["ExpressionAttributeValues"][":last"]


def _checkpoint_of_the_first(request: dict[str, Any], delta: Delta, _: bytes | None) -> None:
    request["ExpressionAttributeValues"][":last"] = {"B": delta.first.packed()}


def _dropped_with_the_child(patch: pytest.MonkeyPatch, world: World) -> None:
    parents = {attribute_of(lane.name): attribute_of(lane.parent.name) for lane in world.lanes if lane.parent}

    def superseded(item: dict[str, Any], now: float) -> dict[str, bytes]:
        parting = {parents[name]: item[parents[name]] for name in lanes.checkpoints(item) if parents.get(name) in item}
        return parting | lanes.outlived(item, now)

    patch.setattr(scores, "outlived", superseded)


_after = Delta.after
_MUTATIONS: dict[str, Mutation] = {
    "no guard": requests(_no_guard),
    "a conflict is treated as done": replaced(Delta, "after", lambda *_: None),
    "after a conflict the whole batch is counted": replaced(Delta, "after", lambda self, seen: self if _after(self, seen) else None),
    "after a conflict no compare-and-set": requests(_no_compare_and_set),
    "the guard asks for the last record": requests(_guard_by_the_last),
    "the checkpoint is the first record": requests(_checkpoint_of_the_first),
    "one attribute for all lanes": replaced(scores, "attribute_of", lambda _: "q_lane"),
    "lanes without their table": replaced(app.stream, "lane_of", lambda event: event["shardId"]),
    "a checkpoint goes when a child comes": _dropped_with_the_child,
    "a checkpoint goes after 20 hours": replaced(lanes, "KEPT_SECONDS", 20 * 3600),
}


@pytest.mark.parametrize("name", _MUTATIONS)
def test_a_weaker_protocol_is_found_out(model, name):
    assert is_found_out(model, _MUTATIONS[name], miscounted)


@pytest.mark.slow
def test_a_checkpoint_that_goes_with_its_record_is_found_out(model):
    # It takes a function that was handed a record in its last minute, and stands still while another one cleans up.
    assert is_found_out(model, replaced(lanes, "KEPT_SECONDS", 24 * 3600), miscounted, most=2000)


def test_a_checkpoint_that_is_never_dropped_is_found_out(model):
    assert is_found_out(model, replaced(scores, "outlived", lambda *_: {}), leftovers)


@pytest.mark.parametrize("rule", ["_turn", "_service", "_said"])
def test_a_mistake_in_the_rule_itself_is_found_out_by_hand(model, rule):
    # The rule is the same on both sides of the first judge, which sees nothing.
    assert is_found_out(model, replaced(tally, rule, lambda _: ()), miscounted_by_hand)


def is_found_out(model: Model, mutate: Mutation, judge: Callable[[World], list[str]], most: int = 400) -> bool:
    """Whether something is wrong after so many seeds, or the function falls over a checkpoint that should be there."""
    for seed in range(most):
        world = World(model, seed)
        with pytest.MonkeyPatch.context() as patch:
            mutate(patch, world)
            if _goes_wrong(world, judge):
                print(f"found out after {seed + 1} seeds")
                return True
    return False


def _goes_wrong(world: World, judge: Callable[[World], list[str]]) -> bool:
    try:
        world.run()
    except KeyError:
        return True
    return bool(judge(world))
