"""A study's style: sizes, font, colours and words of its figures, and of a single one."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from prmscale.figures import style
from prmscale.study import FigureStyle, Style


def draw(look, tmp_path):
    """A figure of one line drawn and saved in this style; its picture."""
    with style.use(look.of_figure("fig1")), style.apply():
        figure = Figure(figsize=(style.column_width(), 2.0), layout="constrained")
        axis = figure.subplots()
        axis.plot([0, 1], [0, 1], color=style.BLUE, linewidth=8)
        axis.set_title("accuracy of arithmetic (200 problems)")
        axis.set_yticks([0, 1], ["best-of-n", "majority vote"])
        style.save(figure, pd.DataFrame({"x": [1]}), tmp_path / "fig1")
    return figure, Image.open(tmp_path / "fig1.png").convert("RGB")


def colours(picture):
    return {tuple(colour) for colour in np.asarray(picture).reshape(-1, 3)}


def test_a_palette_stands_for_our_colours_and_ends_with_the_block(tmp_path):
    _, usual = draw(Style(), tmp_path)
    assert (0x00, 0x72, 0xB2) in colours(usual)
    _, other = draw(Style(palette={"blue": "tab:red"}), tmp_path)
    assert (0x00, 0x72, 0xB2) not in colours(other) and (0xD6, 0x27, 0x28) in colours(other)
    assert colours(draw(Style(), tmp_path)[1]) == colours(usual)


def test_words_are_replaced_whole_the_longest_first_in_titles_and_ticks(tmp_path):
    words = {"accuracy": "Genauigkeit", "best-of-n": "Beste von n", "vote": "!", "rob": "!"}
    figure, _ = draw(Style(labels={**words, "majority vote": "Mehrheit"}), tmp_path)
    axis = figure.axes[0]
    assert axis.get_title() == "Genauigkeit of arithmetic (200 problems)"
    ticks = [label.get_text() for label in axis.get_yticklabels()]
    assert ticks == ["Beste von n", "Mehrheit"]


def test_sizes_follow_the_font_and_the_widths(tmp_path):
    figure, picture = draw(Style(font_size=12.0, column_width=5.0), tmp_path)
    assert figure.axes[0].title.get_fontsize() == 12.0 and picture.width == 1000
    assert style.points(7) == 7


def test_a_single_figure_has_its_own_style_laid_over_that_of_all(tmp_path):
    own = FigureStyle(height=3.0, font_size=10.0, labels={"accuracy": "right answers"})
    look = Style(
        font_size=6.0, labels={"accuracy": "-", "arithmetic": "sums"}, figures={"fig1": own}
    )
    figure, picture = draw(look, tmp_path)
    assert picture.height == 600 and figure.axes[0].title.get_fontsize() == 10.0
    assert figure.axes[0].get_title() == "right answers of sums (200 problems)"
    assert look.of_figure("fig2").font_size == 6.0


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_a_style_gives_the_same_bytes_twice(suffix, tmp_path):
    look = Style(palette={"blue": "#123456"}, labels={"accuracy": "x"})
    draw(look, tmp_path)
    once = (tmp_path / f"fig1.{suffix}").read_bytes()
    draw(look, tmp_path)
    assert (tmp_path / f"fig1.{suffix}").read_bytes() == once
