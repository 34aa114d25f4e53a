"""Keywords in XMP packets: read from all who write them, changed without touching the rest."""

from __future__ import annotations

import random

import pytest
from xmp_packets import DARKTABLE, LIGHTROOM, NAMESPACES, bag, packet

from soutu.errors import ImageError, InputError
from soutu.images.keywords import NO_KEYWORDS, Keywords, Own, TagPath, gather, join
from soutu.images.xmp import EMPTY, edit, keywords_of

DOG = ("animal", "dog")
OWN = Own(may_go=lambda _: True)


def test_the_three_lists_of_digikam_give_each_keyword_once() -> None:
    """The flat list is the end of the paths, and both lists of paths say the same."""
    body = (
        bag("dc:subject", "dog", "sea")
        + bag("lr:hierarchicalSubject", "animal|dog", "sea")
        + bag("digiKam:TagsList", "animal/dog", "sea")
    )
    assert keywords_of(packet(body)) == Keywords(("dog", "sea"), (DOG,))


def test_names_that_differ_only_in_case_or_width_are_one() -> None:
    """The first spelling stands."""
    assert gather(["Dog", "dog", "ｄｏｇ", " DOG "]) == Keywords(("Dog",))


def test_a_path_that_goes_on_in_another_is_left_out_but_its_name_stays() -> None:
    """Lightroom lists `animal|dog` beside `animal|dog|poodle`."""
    found = gather([], [("animal",), DOG, (*DOG, "poodle"), ("pet", "dog")])
    assert found == Keywords(
        ("animal", "dog", "poodle"), (("animal", "dog", "poodle"), ("pet", "dog"))
    )


def test_a_keyword_cut_to_what_iptc_can_hold_is_not_a_second_one() -> None:
    """21 Chinese characters have 63 bytes; a 22nd does not fit."""
    name = "日" * 30
    assert join([gather([name]), gather([name[:21]])]) == Keywords((name,))


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (packet("<dc:subject>dog</dc:subject>"), ("dog",)),
        (packet("", attributes='dc:subject="dog &amp; cat"'), ("dog & cat",)),
        (packet(bag("dc:subject", "<![CDATA[a<b]]>", "&#x6D77;")), ("a<b", "海")),
        (packet(bag("dc:subject", "", "  ", " sea ")), ("sea",)),
        (packet("<dc:subject><rdf:Bag/></dc:subject>"), ()),
        (
            packet(
                '<dc:subject><rdf:Bag><rdf:li rdf:parseType="Resource">'
                "<rdf:value>dog</rdf:value><dc:title>x</dc:title></rdf:li></rdf:Bag></dc:subject>"
            ),
            ("dog",),
        ),
        (packet(bag("q:subject", "dog"), namespaces=NAMESPACES.replace(":dc", ":q")), ("dog",)),
        (packet(bag("dc:subject", "dog")) + b"\0\0", ("dog",)),
        (b"\xef\xbb\xbf" + packet(bag("dc:subject", "海")), ("海",)),
        (b"\xff\xfe" + packet(bag("dc:subject", "海")).decode().encode("utf-16-le"), ("海",)),
        (
            b"<?xml version='1.0' encoding='ISO-8859-1'?>"
            + packet(bag("dc:subject", "café")).decode().encode("latin-1"),
            ("café",),
        ),
        (DARKTABLE.encode(), ("dog", "holiday")),
        (LIGHTROOM.encode(), ()),
    ],
)
def test_every_way_of_writing_keywords_is_read(data: bytes, names: tuple[str, ...]) -> None:
    """Lists, plain text, attributes, qualifiers, other prefixes and encodings."""
    assert keywords_of(data).names == names


def test_keywords_of_the_pictures_a_picture_was_made_from_are_not_its_own() -> None:
    """Adobe keeps descriptions of ingredients deeper in the packet."""
    inner = f"<rdf:Description>{bag('dc:subject', 'cat')}</rdf:Description>"
    body = f"<dc:source><rdf:Bag><rdf:li>{inner}</rdf:li></rdf:Bag></dc:source>"
    assert keywords_of(packet(body + bag("dc:subject", "dog"))) == Keywords(("dog",))


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
        + b"".join(b"<!ENTITY a%d '%s'>" % (i, b"&a;" * 10) for i in range(9))
        + b"]>"
        + packet(bag("dc:subject", "&a8;")),
        b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'>" + packet(bag("dc:subject", "dog")),
        b"<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>"
        + packet(bag("dc:subject", "&f;")),
        packet(bag("dc:subject", "&unknown;")),
        packet(bag("dc:subject", "dog"))[:-5],
        packet(bag("dc:subject", "\x01")),
        b"<dc:subject/>",
        b"<subject/>",
        b"<?xml version='1.0' encoding='utf-7'?>" + packet(bag("dc:subject", "dog")),
        b"\xff\xfe" + b"<subject>",
        b"subject",
    ],
)
def test_broken_and_hostile_packets_are_refused(data: bytes) -> None:
    """Nothing expands, nothing outside is opened."""
    with pytest.raises(ImageError):
        keywords_of(data)
    with pytest.raises(ImageError):
        edit(data, [DOG])


def test_the_place_of_a_fault_is_named() -> None:
    """Line and column, as an editor counts them."""
    with pytest.raises(ImageError, match="at line 3, column 3: mismatched tag"):
        keywords_of(b"<a>\n<subject>\n</a>")


def test_deeply_nested_and_large_packets_are_read_and_changed() -> None:
    """Nothing recurses, and the work grows with the length only."""
    deep = packet("<dc:a>" * 100_000 + "</dc:a>" * 100_000 + bag("dc:subject", "dog"))
    wide = packet(bag("dc:subject", *(f"tag {n}" for n in range(20_000))))
    assert keywords_of(deep).names == ("dog",)
    assert len(keywords_of(wide).names) == 20_000
    assert keywords_of(edit(wide, [DOG], ["tag 7"])).names[-3:] == ("tag 19998", "tag 19999", "dog")


def test_packets_without_keywords_are_not_parsed() -> None:
    """What cannot hold any need not even be well-formed."""
    assert keywords_of(b"<broken") is NO_KEYWORDS


def test_what_is_written_is_read() -> None:
    """Paths, Chinese, and characters that mean something to XML."""
    tags: list[TagPath] = [DOG, ("风景", "海"), ("R&B <live>",), ('say "a"',)]
    found = keywords_of(edit(EMPTY, tags))
    assert found == Keywords(("dog", "海", "R&B <live>", 'say "a"'), (DOG, ("风景", "海")))


def test_removing_what_was_written_leaves_the_packet_as_it_was() -> None:
    """Not a blank is left behind."""
    assert edit(edit(EMPTY, [DOG, ("sea",)]), [], ["dog", "sea"]) == EMPTY


def test_all_but_the_keywords_stays_to_the_byte() -> None:
    """Ratings, develop settings, comments, prefixes and the layout."""
    new = edit(DARKTABLE.encode(), [("animal", "cat")], ["dog"]).decode()
    expected = (
        DARKTABLE.replace("     <rdf:li>dog</rdf:li>\n", "")
        .replace("     <rdf:li>animal|dog</rdf:li>\n", "")
        .replace("holiday</rdf:li>\n", "holiday</rdf:li>\n     <rdf:li>cat</rdf:li>\n", 1)
    )
    head, tail = expected.rsplit("holiday</rdf:li>\n", 1)
    expected = head + "holiday</rdf:li>\n     <rdf:li>animal|cat</rdf:li>\n" + tail
    added = new[new.index("   <digiKam:TagsList") : new.index("  </rdf:Description>")]
    assert new.replace(added, "") == expected


def test_a_description_without_content_is_opened() -> None:
    """Lightroom writes everything as attributes; they stay."""
    new = edit(LIGHTROOM.encode(), [DOG]).decode()
    assert keywords_of(new.encode()) == Keywords(("dog",), (DOG,))
    assert new.startswith(LIGHTROOM[: LIGHTROOM.index("/>")] + ">")


@pytest.mark.parametrize(
    "data",
    [
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
        b'<RDF xmlns="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><Description/></RDF>',
        packet("", attributes='dc:subject="old"'),
        packet("<dc:subject>old</dc:subject>"),
        packet("<dc:subject><rdf:Bag/></dc:subject>"),
        packet(bag("dc:subject", "old") + bag("dc:subject", "older")),
        packet('<dc:subject a=">"><rdf:Bag><rdf:li a="/>">old</rdf:li></rdf:Bag></dc:subject>'),
        b"\xff\xfe" + packet(bag("dc:subject", "海")).decode().encode("utf-16-le"),
    ],
)
def test_tags_are_added_and_taken_away_however_the_packet_is_laid_out(data: bytes) -> None:
    """What was there stays, and a second time there is nothing to change."""
    before = keywords_of(data)
    added = edit(data, [DOG, ("海",)])
    assert set(keywords_of(added).names) == {*before.names, "dog", "海"}
    assert keywords_of(added).paths == (DOG,)
    assert edit(added, [DOG, ("海",)]) == added
    assert keywords_of(edit(added, [], ["DOG", "海", "old"])).names == tuple(
        name for name in before.names if name not in ("海", "old")
    )


def test_letters_that_an_old_encoding_lacks_are_written_as_references() -> None:
    """The declared encoding of the file stays true."""
    head = b"<?xml version='1.0' encoding='ISO-8859-1'?>"
    old = head + packet(bag("dc:subject", "café")).decode().encode("latin-1")
    new = edit(old, [("海",)])
    assert new.startswith(head)
    assert keywords_of(new).names == ("café", "海")


def test_a_keyword_that_is_there_in_another_spelling_is_not_added() -> None:
    """Case and width of letters do not make another tag."""
    old = packet(bag("dc:subject", "Dog") + bag("lr:hierarchicalSubject", "Animal|Dog"))
    assert keywords_of(edit(old, [DOG])) == Keywords(("Dog",), (("Animal", "Dog"),))


def test_a_tag_without_a_path_is_there_if_somebody_keeps_it_below_another() -> None:
    """Programs that show a tree would otherwise show it twice."""
    old = packet(bag("digiKam:TagsList", "animal/dog"))
    assert b"<rdf:li>animal/dog</rdf:li></rdf:Bag></digiKam:TagsList>" in edit(old, [("dog",)])


def test_a_list_that_was_not_there_takes_the_keywords_of_the_others_along() -> None:
    """Programs that read only the new list must not lose what a person said."""
    old = packet(
        bag("dc:subject", "dog", "holiday", "海") + bag("lr:hierarchicalSubject", "风景|海")
    )
    new = edit(old, [DOG])
    tags_list = new[new.index(b"<digiKam:TagsList") :].decode()
    names = [part.split("</rdf:li>")[0] for part in tags_list.split("<rdf:li>")[1:]]
    assert names == ["风景/海", "holiday", "animal/dog"]
    assert keywords_of(new) == Keywords(("dog", "holiday", "海"), (("风景", "海"), DOG))
    assert edit(old, []) == old
    assert edit(old, [("dog",), ("holiday",)]) == edit(
        edit(old, [("dog",), ("holiday",)]), [("dog",), ("holiday",)]
    )


def test_a_tag_that_moved_takes_its_old_path_away_when_it_is_named() -> None:
    """`remove` may name every managed tag: those that hold stay, where they are now."""
    old = edit(EMPTY, [DOG])
    assert keywords_of(edit(old, [("pet", "dog")], ["dog"])) == Keywords(
        ("dog",), (("pet", "dog"),)
    )


def test_what_soutu_wrote_is_marked_and_goes_when_it_holds_no_more() -> None:
    """Whatever others wrote stays, the same keyword too; the packet is then as it was."""
    old = packet(bag("dc:subject", "holiday", "Sea"))
    written = edit(old, [DOG, ("sea",)], own=OWN)
    assert keywords_of(written) == Keywords(("holiday", "Sea", "dog"), (DOG,), frozenset({"dog"}))
    assert edit(written, [DOG, ("sea",)], own=OWN) == written
    moved = edit(written, [("pet", "Dog")], own=OWN)
    assert keywords_of(moved).paths == (("pet", "Dog"),)
    left = edit(moved, [], own=OWN)
    assert keywords_of(left) == Keywords(("holiday", "Sea"))
    assert b"soutu:keywords" not in left
    assert edit(edit(EMPTY, [DOG], own=OWN), [], own=OWN) == EMPTY


def test_only_keywords_that_may_go_do() -> None:
    """A run for some tags leaves those of others alone, and their marks."""
    both = edit(EMPTY, [DOG, ("cat",)], own=OWN)
    left = keywords_of(edit(both, [], own=Own(may_go=lambda name: name == "cat")))
    assert left == Keywords(("dog",), (DOG,), frozenset({"dog"}))


def test_what_others_say_elsewhere_in_the_file_is_not_marked() -> None:
    """Such as IPTC, which soutu repeats in XMP."""
    own = Own(may_go=lambda _: True, said=frozenset({"dog"}))
    assert keywords_of(edit(EMPTY, [DOG, ("cat",)], own=own)).ours == {"cat"}


def test_a_keyword_that_soutu_wrote_and_somebody_moved_is_still_no_news() -> None:
    """Programs in which people rearrange a tree of keywords rewrite the paths of all pictures."""
    lists, mark, rest = edit(EMPTY, [DOG], own=OWN).partition(b"<soutu:keywords")
    old = lists.replace(b"animal", b"pet") + mark + rest
    assert keywords_of(old).ours == {"dog"}
    left = edit(old, [], own=OWN)
    assert keywords_of(left) == Keywords(("dog",), (("pet", "dog"),), frozenset({"dog"}))


def test_what_soutu_wrote_in_one_place_and_somebody_in_another_is_theirs() -> None:
    """Each file has its own marks."""
    ours, theirs = Keywords(("dog", "cat"), (), frozenset({"dog", "cat"})), Keywords(("Dog",))
    assert join([ours, theirs]).ours == {"cat"}
    assert join([ours, ours]).ours == {"dog", "cat"}


def test_very_long_paths_and_lists_cost_no_more_than_their_length() -> None:
    """A path deeper than any tree of keywords is none."""
    deep = packet(bag("lr:hierarchicalSubject", "|".join(["a"] * 200_000), "animal|dog"))
    assert keywords_of(deep) == Keywords(("dog",), (DOG,))
    names = [f"{n:06d}" + "x" * 56 for n in range(50_000)]
    assert gather([*names, names[7] + "yyy"]).names == (*names[:7], *names[8:], names[7] + "yyy")


def test_names_with_a_separator_stay_out_of_lists_where_they_would_mean_a_path() -> None:
    """The flat list holds them."""
    new = edit(EMPTY, [("a/b",), ("x", "c|d")])
    assert keywords_of(new).names == ("a/b", "c|d")
    assert b"<rdf:li>x/c|d</rdf:li>" in new
    assert b"x|c|d" not in new


@pytest.mark.parametrize("tag", [(), ("",), ("a", " "), ("a\x00b",), ("a\nb",), ("\ud800",)])
def test_names_that_no_file_can_hold_are_refused(tag: TagPath) -> None:
    """Before anything is written."""
    with pytest.raises(InputError):
        edit(EMPTY, [tag])


def test_damaged_packets_are_read_refused_or_changed_but_never_break() -> None:
    """Whatever bytes change, only ImageError comes out, and an edit holds what was asked for."""
    chance = random.Random(1)
    sources = [DARKTABLE.encode(), LIGHTROOM.encode(), edit(EMPTY, [DOG, ("海",)])]
    changed = 0
    for turn in range(3000):
        data = bytearray(sources[turn % 3])
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 4)] = chance.choice(
                [b"<", b">", b"/", b'"', b"&", b"\0", b"\xff", b"", b" ", b"]]>", b"<!--", b":"]
            )
        try:
            keywords_of(bytes(data))
            new = edit(bytes(data), [("new", "tag")], ["dog"])
        except ImageError:
            continue
        changed += 1
        assert "tag" in keywords_of(new).names
        assert "dog" not in keywords_of(new).names
    assert changed > 100
