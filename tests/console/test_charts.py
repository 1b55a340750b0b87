"""Maps of tiles: every place just under one has a tile of its own, and its shade follows from the share."""

import pytest

from contracts.divisions import AUTHORITIES, NATION, parts_of
from services.console.charts import SHADES, shade, tiles_of


@pytest.mark.parametrize("place", AUTHORITIES)
def test_every_part_of_a_place_has_one_tile_and_no_two_lie_on_each_other(place: str):
    tiles = tiles_of(place)

    assert {tile.place for tile in tiles} >= set(parts_of(place))
    assert len({(tile.column, tile.row) for tile in tiles}) == len(tiles)
    assert all(tile.name for tile in tiles)


def test_the_nation_has_its_34_provinces_and_what_keeps_a_register_of_its_own():
    provinces = {tile.place for tile in tiles_of(NATION) if tile.place.endswith("0000")}

    assert len(provinces - {"660000", "990000"}) == 34


def test_a_county_is_its_own_tile():
    assert [tile.place for tile in tiles_of("211302")] == ["211302"]


@pytest.mark.parametrize(("part", "whole", "expected"), [(0, 0, 0), (0, 9, 1), (5, 10, 3), (10, 10, SHADES)])
def test_the_shade_follows_from_the_share(part: int, whole: int, expected: int):
    assert shade(part, whole) == expected
