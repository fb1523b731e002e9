"""Plots of the measures, one module each; `draw` picks the right one."""

from functools import singledispatch

from matplotlib.figure import Figure

from zcalc.geometry.analogy import Analogy
from zcalc.geometry.attribution import Attribution
from zcalc.geometry.axes import ConceptAxes
from zcalc.geometry.base import Measure
from zcalc.geometry.cone import Cone
from zcalc.geometry.cosines import Cosines
from zcalc.geometry.gap import Gap
from zcalc.geometry.hubness import Hubs
from zcalc.geometry.maps import Map
from zcalc.geometry.paths import EmbeddingPath
from zcalc.geometry.plots.analogy import draw_analogy
from zcalc.geometry.plots.attribution import draw_attribution
from zcalc.geometry.plots.axes import draw_axes
from zcalc.geometry.plots.cone import draw_cone
from zcalc.geometry.plots.cosines import draw_cosines
from zcalc.geometry.plots.gap import draw_gap
from zcalc.geometry.plots.hubness import draw_hubs
from zcalc.geometry.plots.maps import draw_map
from zcalc.geometry.plots.paths import draw_path
from zcalc.geometry.plots.relevance import draw_relevance
from zcalc.geometry.plots.trace import draw_trace
from zcalc.geometry.relevance import Relevance
from zcalc.geometry.trace import Trace


@singledispatch
def draw(measure: Measure) -> Figure:
    """Draw a measure as a matplotlib figure."""
    raise TypeError(f"No plot is registered for {type(measure).__name__}.")


draw.register(Analogy, draw_analogy)
draw.register(Attribution, draw_attribution)
draw.register(ConceptAxes, draw_axes)
draw.register(Cone, draw_cone)
draw.register(Cosines, draw_cosines)
draw.register(EmbeddingPath, draw_path)
draw.register(Gap, draw_gap)
draw.register(Hubs, draw_hubs)
draw.register(Map, draw_map)
draw.register(Relevance, draw_relevance)
draw.register(Trace, draw_trace)
