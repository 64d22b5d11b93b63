"""axe in the browser itself: what it finds on the page that is shown."""

from functools import cache

from a11y.axe import installed

_RUN = """only => axe.run(document, {resultTypes: ["violations"], preload: false, ...(only.length ? {runOnly: only} : {})})
  .then(found => found.violations.map(one => [one.id, one.nodes.map(node => node.html)]))"""


@cache
def _source():
    return (installed() / "node_modules/axe-core/axe.min.js").read_text("utf-8")


def violations(page, *only):
    """{rule: [the elements]} of the rules that are broken, of all or of these; contrast is judged, too."""
    page.evaluate(_source())
    return dict(page.evaluate(_RUN, list(only)))
