"""A pack that has lost its words does not silence its seller: the facts go out."""

import pytest

from hostile.rig import Outcome, pack
from livery.packs.chain import PackChain
from unit.making import BASE_FILES, DEFINITION, NOTIFICATION

ONE_BLOCK = NOTIFICATION.partition("[[blocks]]")[0] + '[[blocks]]\nid = "summary"\nkind = "text"\ntext = "summary"\n'


@pytest.mark.parametrize("strings", ["summary = 1", "\x00", 'summary = "{{ event.missing }}"', 'summary = "{{"'])
def test_where_every_block_fails_the_facts_go_out(rig, strings):
    packs = PackChain([pack({**BASE_FILES, DEFINITION: ONE_BLOCK, "strings/en.toml": strings})])
    outcome = Outcome()
    rig.write(rig._writer(packs), {}, outcome)
    assert "Not available in your region" in outcome.messages["smtp"].text
    assert "Not available in your region" in outcome.html
    assert outcome.said
