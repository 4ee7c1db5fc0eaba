"""Look and listen inside a model: one page of figures and sounds.

    python examples/filmscore_inside.py                                   # the shipped model
    python examples/filmscore_inside.py filmscore-cnn/model.npz --music MUSIC --out inside
    python examples/filmscore_inside.py filmscore-cnn/model.npz --unit 12:17 --track cue.ogg --genre thriller

The page has the kernels of the first layer; for genres and units the excerpts that drive them most, and what would
drive them most, made audible; for tracks which seconds and bands speak for and against a genre. docs/inside.md says how
to read it. One seed gives the same page and sounds.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np

import mfcc
from filmscore.agent.tables import clock, let_print
from filmscore.agent.words import clean_lines
from filmscore.files import replace_file
from filmscore.inside import figures, sounds
from filmscore.inside.ascent import Spread, drive
from filmscore.inside.bands import Bands
from filmscore.inside.evidence import evidence
from filmscore.inside.music import Music, name_of
from filmscore.inside.page import Page
from filmscore.inside.units import Unit, find_unit, genre_unit, most_used, network_of
from filmscore.plots import pyplot
from filmscore.tagging import Tagger
from mfcc.sound.errors import printable

HERE = Path(__file__).parent
RECORDINGS = [HERE / "data" / "return_to_home.ogg", HERE / "data" / "Illurock.opus"]


def main(arguments: list[str] | None = None) -> int:
    let_print()
    options = parser().parse_args(arguments)
    if pyplot() is None:
        return 2
    try:
        # The model, what its features stand for, and the units that are asked for.
        tagger = Tagger.load(options.model)
        bands = Bands.of(tagger.settings.recipe)
        genres = [genre_unit(tagger, genre) for genre in options.genre or tagger.class_names]
        asked = [find_unit(tagger, text) for text in options.unit]
        tracks = [(path, tagger.tiles(path)) for path in options.track]

        # The music in which excerpts are looked for.
        music = Music.read(tagger, options.music)
        print(f"{len(music.tiles):,} windows of {len(music.paths)} recordings")
        used = [most_used(tagger, genre.name, music.tiles) for genre in genres] if options.unit == [] else []
        inner = list({unit.name: unit for unit in used if unit is not None}.values())

        page = Page(options.out, f"Inside {options.model.name}")
        page.text(
            f"Excerpts are out of {len(music.tiles):,} windows of {len(music.paths)} recordings. Values of genres are "
            "log-odds: 0 is undecided, above speaks for the genre, below against it."
        )
        show_first_layers(page, tagger, bands, genres)
        page.heading("What drives genres and units")
        for unit in asked or genres + inner:
            show_unit(page, tagger, bands, unit, music, options.seed)
        page.heading("What speaks for and against a genre in a track")
        for path, tiles in tracks:
            show_track(page, tagger, bands, path, tiles, genres if options.genre else [])
        if options.pictures:
            for name, picture in page.pictures.items():
                with replace_file(options.pictures / f"{name}.png") as file:
                    file.write(picture)
        print(f"wrote {page.write()} and {options.out / 'sounds'}")
    except (ValueError, OSError) as error:
        print(f"filmscore_inside: {clean_lines(str(error))}", file=sys.stderr)
        return 2
    return 0


def show_first_layers(page: Page, tagger: Tagger, bands: Bands, genres: list[Unit]) -> None:
    """Show the kernels of the network, or of the network of each genre, where they can be drawn."""
    page.heading("The first layer")
    networks = {id(network_of(tagger, genre.name)): genre.name for genre in genres if has_network(tagger, genre)}
    drawn = 0
    for genre in networks.values():
        title = "first layer" + (f" of {genre}'s network" if len(networks) > 1 else "")
        picture = figures.first_layer(network_of(tagger, genre), bands, tagger.inputs, title)
        if picture is not None:
            page.picture(file_name(f"first-layer-{genre}") if len(networks) > 1 else "first-layer", picture, title)
            drawn += 1
    if not drawn:
        page.text("This network begins with neither a convolution over tiles nor units on modulation: nothing to draw.")


def has_network(tagger: Tagger, genre: Unit) -> bool:
    """Return whether a genre has a network, and not a constant in its place."""
    members = getattr(tagger.model, "members_", None)
    return members is None or bool(members[genre.unit])


def show_unit(page: Page, tagger: Tagger, bands: Bands, unit: Unit, music: Music, seed: int) -> None:
    """Show the excerpts that drive a unit most, and a made-up input that drives it more."""
    recipe, sr = tagger.settings.recipe, tagger.settings.recipe.sr
    name = file_name(unit.name)
    if unit.until is None and not has_network(tagger, unit):
        return
    page.heading(unit.name if unit.until is None else f"unit {unit.name}", 3)
    strongest = music.strongest(unit)
    excerpts = [excerpt for _, excerpt in strongest]
    parts = [excerpt.samples(sr) for excerpt in excerpts]
    real = page.folder / "sounds" / f"{name}-excerpts.flac"
    sounds.write(real, sounds.join(parts, sr), sr)

    # The input that would drive it most, as a texture and as the colour of the best excerpt.
    rng = np.random.default_rng((seed, *name.encode()))
    tile, value = drive(unit, Spread.of(music.tiles), tagger.settings.n_frames, rng)
    made = page.folder / "sounds" / f"{name}-driven.flac"
    coloured = page.folder / "sounds" / f"{name}-driven-in-colour.flac"
    sounds.write(made, sounds.join([sounds.texture(tile, recipe, bands, rng)], sr), sr)
    sounds.write(coloured, sounds.join([sounds.colour(parts[0], tile, recipe, bands)], sr), sr)

    page.sound(real, f"the {len(parts)} excerpts that drive it most")
    page.sound(made, "what would drive it most, as a texture (phases made up)")
    page.sound(coloured, "the first excerpt, coloured by it")
    tiles = [("the excerpt that drives it most", music.tiles[strongest[0][0]][:, :, 0]), ("what would drive it", tile)]
    page.picture(name, figures.unit_tiles(tiles, bands, recipe), f"what drives {unit.name}")
    rows = [
        [name_of(e.path), f"{clock(e.start_s)} to {clock(e.start_s + e.duration_s)}", f"{e.value:.2f}"]
        for e in excerpts
    ]
    page.table(["recording", "time", "value"], [*rows, ["made up by gradient ascent", "", f"{value:.2f}"]])
    print(f"{unit.name}: {excerpts[0].value:.2f} for {name_of(excerpts[0].path)}, {value:.2f} made up")


def file_name(name: str) -> str:
    """Return a name for a file: what comes from a model or a recording leads to no other folder."""
    return re.sub(r"[^\w.+ -]", "-", name.lower())


def show_track(page: Page, tagger: Tagger, bands: Bands, path: Path, tiles: mfcc.Tiles, genres: list[Unit]) -> None:
    """Show what speaks for and against the given genres, or those with the highest and the lowest value."""
    name = printable(path.name)
    page.heading(name, 3)
    if not genres:
        means = tagger.log_odds(tiles).mean(axis=0)
        order = [k for k in np.argsort(-means) if np.isfinite(means[k])]
        genres = [genre_unit(tagger, tagger.class_names[k]) for k in dict.fromkeys((order[0], order[-1]))]
    for genre in genres:
        if not has_network(tagger, genre):
            continue
        found = evidence(tagger, bands, genre, tiles.values)
        title = f"{name}: {genre.name}, log-odds {found.values.mean():.2f}"
        page.picture(file_name(f"{path.stem}-{genre.name}"), figures.track(found, tiles, bands, title), title)
        agree = f"Ranks of patches by gradient times input and by hiding them correlate by {found.agreement:.2f}."
        page.text(f"{title}. {agree}", small=True)
        print(f"{title}; the two ways agree by {found.agreement:.2f}")


def parser() -> argparse.ArgumentParser:
    built = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    built.add_argument("model", type=Path, nargs="?", default=HERE / "models" / "filmscore.npz", metavar="MODEL")
    built.add_argument("--out", type=Path, default=Path("filmscore-inside"), help="folder for page and sounds")
    built.add_argument(
        "--music",
        type=Path,
        nargs="+",
        default=RECORDINGS,
        metavar="PATH",
        help="files or folders that are searched for excerpts (default: the two recordings in examples/data)",
    )
    built.add_argument(
        "--track",
        type=Path,
        nargs="+",
        default=RECORDINGS,
        metavar="FILE",
        help="recordings for which evidence for genres is shown",
    )
    built.add_argument("--genre", action="append", metavar="NAME", help="only this genre (may be repeated)")
    built.add_argument(
        "--unit",
        action="append",
        default=[],
        metavar="UNIT",
        help="units to show in place of all genres and their most used units: GENRE, LAYER:UNIT or GENRE:LAYER:UNIT",
    )
    built.add_argument("--pictures", type=Path, metavar="DIR", help="write the pictures as PNG files too")
    built.add_argument("--seed", type=int, default=0)
    return built


if __name__ == "__main__":
    sys.exit(main())
