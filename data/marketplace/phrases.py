"""The phrases that narratives are made of: in each slot, the polished and the clumsy wording of the same sentences."""

from __future__ import annotations

from typing import Final

HARMS: Final = {
    False: (
        "the carpet", "my kitchen counter", "the wooden floor", "our sofa", "the wall behind it", "my laptop",
        "the curtains",
        "a window", "my phone", "the dining table", "our rug", "the ceiling", "a lamp", "my jacket", "the mattress",
        "the garage door",
        "a bookshelf", "the washing machine", "my car seat", "the bathroom tiles",
    ),
    True: (
        "my right hand", "my left wrist", "my son's arm", "my back", "my knee", "my eye", "two fingers",
        "my daughter's leg", "my face",
        "my ankle", "my shoulder", "my wife's foot", "my thumb", "my forehead", "my neck", "my husband's elbow",
    ),
}  # fmt: skip
"""What was harmed: property (False) or a person (True) (assumption)."""

_OPENING = (
    (
        "I am writing about the {thing} that I ordered from your marketplace.",
        "Please accept this claim regarding {thing}.",
        "On the day in question I was using the {thing} for the first time.",
        "I would like to report an incident with {thing}.",
        "This concerns an order of {thing} placed some weeks ago.",
        "I wish to make a claim for damage caused by {thing}.",
        "We bought {thing} as a present for the family.", "My household has used {thing} of this brand for years.",
        "The item, listed under {thing}, arrived on time and looked fine.",
        "I contacted the seller of the {thing} twice without an answer.",
    ),
    (
        "hi i order {thing} from here", "hello its about the {thing} u sold me",
        "so i was useing the {thing} first time",
        "want to tell u what happend with {thing}", "about my order {thing} few weeks back",
        "need to claim for the {thing} it broke stuff",
        "we got {thing} for famly present", "always had {thing} like this never problem",
        "the {thing} came ok looked ok",
        "wrote seller of {thing} 2 times no anser",
    ),
)  # fmt: skip
_EVENT = (
    (
        "After about {n} minutes it began to smoke.", "Without any warning a part of it snapped off.",
        "It overheated and could not be switched off.", "The casing cracked and the contents leaked out.",
        "It collapsed under a normal load.", "A sharp edge came loose while I was holding it.",
        "The fastening gave way and it fell.", "There was a loud bang and a flash.",
        "It tipped over although it stood on level ground.",
        "The handle came off in my grip.", "A screw had not been tightened and the whole thing shifted.",
        "The coating flaked off and stained everything near it.",
    ),
    (
        "after like {n} min it start smokeing", "a part just snap off no warning", "got super hot cudnt turn off",
        "the case crack and it leak all over", "it colapsed normal use", "sharp bit come loose in my hand",
        "the holder gave up and it fell", "big bang and flash", "it fall over on flat floor",
        "handle came of in my hand",
        "screw was loose and it all moved", "paint come off and stain everthing",
    ),
)  # fmt: skip
_HARM = (
    (
        "As a result {harm} was badly damaged.", "It struck {harm} with some force.",
        "Consequently {harm} suffered and needed attention.",
        "The effect on {harm} can be seen in what I have sent.", "I noticed at once that {harm} had been hit.",
        "Within {m} hours it was clear that {harm} would not be the same.",
        "We did what we could, but {harm} had already taken the worst.",
        "By the time I reacted, {harm} was affected.",
    ),
    (
        "it ruin {harm} totaly", "hit {harm} realy hard", "now {harm} is bad", "u can see {harm} in what i send",
        "i seen strait away {harm} was hit", "{m} hours later {harm} was worse", "we try but {harm} was gone alredy",
        "too late for {harm} when i got there",
    ),
)  # fmt: skip
_PLACE = (
    (
        "It happened in the kitchen in the evening.", "We were in the garden with friends.",
        "This was in the living room, with the children nearby.",
        "I was alone in the workshop.", "It took place in the bedroom early in the morning.",
        "We were on holiday, {m} days from home.",
        "It was in the hallway, beside the stairs.", "My neighbour was there and saw it.",
        "The bathroom door was open and I heard it.",
        "I had just come back from work.",
    ),
    (
        "was in kitchen at nite", "we was in the garden with frends", "livingroom kids was there",
        "i was alone in workshop",
        "bedroom early mornin", "on holiday {m} day from home", "in the hall by stairs", "neighbor seen it",
        "bathroom door open i herd it",
        "just back from work",
    ),
)  # fmt: skip
_REACTION = (
    (
        "I unplugged everything and opened the windows.", "I took pictures before cleaning up.",
        "A friend helped me to stop it getting worse.",
        "I called a tradesman, who came {m} days later.", "I kept the broken parts in a box.",
        "We rinsed everything with cold water.",
        "I rang the support line and waited for {n} minutes.", "I read the manual again and found no warning.",
        "I asked a professional for an opinion.", "I put the item away so that nobody else would touch it.",
    ),
    (
        "i pull the plug open window", "took pics befor clean", "frend help me stop it",
        "call a guy came {m} days after", "kept broken bits in box",
        "we put cold water", "called support wait {n} min", "read manual nothing in there", "ask a pro about it",
        "put it away so no one touch",
    ),
)  # fmt: skip
_WISH = (
    (
        "I ask you to cover the cost.", "Please let me know which documents you still need.",
        "I expect a fair settlement.",
        "I hope that this can be settled quickly.", "The seller should answer for this.",
        "A refund alone would not make up for it.",
        "I would be grateful for a reply within {m} days.",
        "Please have the item withdrawn before others are harmed.",
        "I have added up the costs carefully.", "Thank you for your time and your understanding.",
    ),
    (
        "pls pay the cost", "tell me what papers u need", "want fair money", "hope its quick", "seller has to pay",
        "refund is not enuff",
        "anser me in {m} days pls", "take it of the shop befor more people get it", "i count all the cost",
        "thx for ur time",
    ),
)  # fmt: skip

SLOTS: Final = (_OPENING, _PLACE, _EVENT, _HARM, _REACTION, _WISH)
"""Slots in the order of the text; each is (polished, clumsy), of equal length."""
