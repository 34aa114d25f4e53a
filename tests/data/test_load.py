"""The layouts of labelled data, read as they are found in the wild."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soutu.data import load
from soutu.errors import InputError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_folders(tmp_path: Path) -> None:
    """The folder is the class, at any depth; the other classes are no, or unknown."""
    touch(tmp_path, "dog/a.jpg", "cat/old/b.png", "cat/c.JPG", "cat/notes.txt", ".git/x.jpg")
    (tmp_path / "empty").mkdir()
    (tmp_path / "cat" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    data = load(tmp_path)
    assert data.classes == ("cat", "dog", "empty")
    names = [path.relative_to(tmp_path).as_posix() for path in data.paths]
    assert names == ["cat/c.JPG", "cat/gone.jpg", "cat/old/b.png", "dog/a.jpg"]
    assert data.labels.tolist() == [[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert data.splits is None
    assert load(tmp_path, partial=True).labels[0].tolist() == [1, -1, -1]


def test_folders_with_splits(tmp_path: Path) -> None:
    """Folders called train, valid or testing are splits; a class may lack in one."""
    touch(tmp_path, "train/cat/a.jpg", "valid/dog/b.jpg", "Testing/cat/c.jpg")
    data = load(tmp_path)
    assert data.classes == ("cat", "dog")
    assert data.splits == ("test", "train", "val")
    assert data.labels.tolist() == [[1, 0], [1, 0], [0, 1]]


def test_bad_folders(tmp_path: Path) -> None:
    """No classes, no pictures, and pictures that belong to no class are told."""
    with pytest.raises(InputError, match="no folders with pictures"):
        load(tmp_path)
    (tmp_path / "cat").mkdir()
    with pytest.raises(InputError, match="hold no pictures"):
        load(tmp_path)
    touch(tmp_path, "stray.jpg")
    with pytest.raises(InputError, match=r"1 pictures lie beside .* 'stray\.jpg'"):
        load(tmp_path)
    with pytest.raises(InputError, match="no file or folder"):
        load(tmp_path / "nothing")


def test_csv_with_a_column_for_each_class(tmp_path: Path) -> None:
    """1, 0, and nothing for unknown; -1 and ? are unknown too; the split is kept."""
    file = write(
        tmp_path / "l.csv",
        "path,split,cat,猫头鹰\na.jpg,train,1,\nb/c.jpg,valid,0.0,yes\n/abs.jpg,fold3,-1,?\n",
    )
    data = load(file)
    assert data.name == "l.csv"
    assert data.classes == ("cat", "猫头鹰")
    assert data.labels.tolist() == [[1, -1], [0, 1], [-1, -1]]
    assert data.splits == ("train", "val", "fold3")
    assert data.paths == (tmp_path / "a.jpg", tmp_path / "b/c.jpg", Path("/abs.jpg"))
    (tmp_path / "pics").mkdir()
    assert load(file, root=tmp_path / "pics").paths[0] == tmp_path / "pics/a.jpg"
    assert load(tmp_path).classes == data.classes


JUDGED = [
    "image,tag,label,source,who,at\na.jpg,cat,yes,person,ann,\nb.jpg,cat,no,,,\nb.jpg,sofa,yes,,,\n",
    "image,yes,no\na.jpg,cat,\nb.jpg,sofa,cat\n",
    "path,class,value\na.jpg,cat,1\nb.jpg,cat,0\nb.jpg,sofa,1\na.jpg,sofa,\n",
]


@pytest.mark.parametrize("text", JUDGED)
def test_csv_of_judgements_says_nothing_of_the_rest(text: str, tmp_path: Path) -> None:
    data = load(write(tmp_path / "l.csv", text))
    assert data.classes == ("cat", "sofa")
    assert [path.name for path in data.paths] == ["a.jpg", "b.jpg"]
    assert data.labels.tolist() == [[1, -1], [0, 1]]


@pytest.mark.parametrize(
    ("text", "options", "classes"),
    [
        ("image;labels\na.jpg;cat|dog\nb.jpg;\n", {}, ("cat", "dog")),
        ("Image Index,Finding Labels,Age\na.jpg,cat|dog,7\nb.jpg,,8\n", {}, ("cat", "dog")),
        ('file,what\na.jpg,"cat, dog"\nb.jpg,\n', {}, ("cat", "dog")),
        ("file,tags\na.jpg,cat dog\nb.jpg,\n", {"separator": " "}, ("cat", "dog")),
        ("image,kind,n\na.jpg,dog,3\na.jpg,cat,4\nb.jpg,,5\n", {"column": "kind"}, ("cat", "dog")),
        ("image,label\na.jpg,traffic light\nb.jpg,\n", {}, ("traffic light",)),
    ],
)
def test_csv_with_lists(
    text: str, options: dict[str, str], classes: tuple[str, ...], tmp_path: Path
) -> None:
    """One column lists classes; lines of the same picture add up; the list is complete."""
    file = write(tmp_path / "l.csv", text)
    data = load(file, **options)  # type: ignore[arg-type]
    assert data.classes == classes
    assert data.labels.tolist() == [[1] * len(classes), [0] * len(classes)]
    unknown = load(file, partial=True, **options)
    assert unknown.labels.tolist() == [[1] * len(classes), [-1] * len(classes)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,cat\n", "line 1: the file has no lines"),
        ("path\na.jpg\n", "no column beside the path"),
        ("path,cat,dog\na.jpg,1,0\nb.jpg,2,0\n", r"line 3, column 2 \(cat\): '2' is no label"),
        ("path,cat,cat\na.jpg,1,0\n", "line 1, column 3: there are two columns 'cat'"),
        ("path,Cat,ｃａｔ\na.jpg,1,0\n", "'Cat' and 'ｃａｔ' have the same name"),
        ("path,cat\na.jpg,1\n,0\n", "line 3, column 1: no picture is named"),
        ("path,cat\na.jpg,1\na.jpg,0\n", "line 3, .*'a.jpg' stands in line 2 already"),
        ('path,cat\n"a.jpg,1\n', "line 2, column 1: the quote"),
        ("path,cat\na.jpg,1,7\n", "line 2, column 3: the cell '7' belongs to no column"),
        ("path,split,cat\na.jpg,,1\n", "in no split"),
        ("path,split,labels\na,train,x\na,val,y\n", "in split 'val' here and in 'train' in line 2"),
        ("path,labels\na.jpg,Cat|cat\n", "'Cat' and 'cat' have the same name"),
        ("image,tag,label\na.jpg,x,yes\na.jpg,x,no\n", "line 3, column 3: 'x' is judged otherwise"),
        ("image,yes,no\na.jpg,x,x\n", "line 2, column 3: 'x' is judged otherwise .* in line 2"),
        ("image,tag,label\na.jpg,,yes\n", "line 2, column 2: no class is named"),
        ("image,split,yes,no\na,val,x,\na,train,y,\n", "in split 'train' here and in 'val' in li"),
    ],
)
def test_bad_csv_is_told_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    """Every message names file, line and column."""
    with pytest.raises(InputError, match=message):
        load(write(tmp_path / "l.csv", text))


def coco(**changes: object) -> str:
    document = {
        "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "b.jpg"}],
        "categories": [{"id": 3, "name": "cat"}, {"id": 1, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "iscrowd": 1},
            {"id": 2, "image_id": 7, "category_id": 1},
        ],
        **changes,
    }
    return json.dumps(document)


def test_coco(tmp_path: Path) -> None:
    """A class with an annotation is yes, one without is no; order is that of the file."""
    touch(tmp_path, "val2017/a.jpg")
    file = write(tmp_path / "annotations" / "instances_val2017.json", coco())
    data = load(file)
    assert data.classes == ("cat", "dog")
    assert data.labels.tolist() == [[0, 1], [0, 0]]
    assert data.splits is None
    assert data.paths[0] == tmp_path / "val2017" / "a.jpg"
    assert load(file, partial=True).labels.tolist() == [[-1, 1], [-1, -1]]
    assert load(file, root=tmp_path).paths[1] == tmp_path / "b.jpg"


def test_coco_folder_joins_its_splits(tmp_path: Path) -> None:
    """The files' names are the splits; a class that one file does not know is unknown there."""
    write(tmp_path / "annotations/instances_train.json", coco())
    extra = [{"id": 3, "name": "cat"}, {"id": 9, "name": "owl"}]
    write(tmp_path / "annotations/instances_val.json", coco(categories=extra, annotations=[]))
    data = load(tmp_path)
    assert data.classes == ("cat", "dog", "owl")
    assert data.splits == ("train", "train", "val", "val")
    assert data.labels.tolist() == [[0, 1, -1], [0, 0, -1], [0, -1, 0], [0, -1, 0]]


def test_coco_folder_of_one_split_a_folder(tmp_path: Path) -> None:
    """SPLIT/_annotations.coco.json lies beside its pictures."""
    touch(tmp_path, "train/a.jpg", "valid/a.jpg")
    for name in ("train", "valid"):
        write(tmp_path / name / "_annotations.coco.json", coco())
    data = load(tmp_path)
    assert data.splits == ("train", "train", "val", "val")
    assert data.paths[2] == tmp_path / "valid" / "a.jpg"


def test_lvis(tmp_path: Path) -> None:
    """Only annotated classes are yes and only neg_category_ids no; the rest is unknown."""
    images = [
        {"id": 7, "coco_url": "http://x/train2017/a.jpg", "neg_category_ids": [3],
         "not_exhaustive_category_ids": [1]},
        {"id": 8, "file_name": "b.jpg", "neg_category_ids": []},
    ]  # fmt: skip
    data = load(write(tmp_path / "lvis_v1_train.json", coco(images=images)))
    assert data.labels.tolist() == [[0, 1], [-1, -1]]
    assert data.paths[0] == tmp_path / "train2017" / "a.jpg"
    images[0]["neg_category_ids"] = [1]
    with pytest.raises(InputError, match=r"annotations\[0\]: category 1 .* neg_category_ids"):
        load(write(tmp_path / "lvis_v1_val.json", coco(images=images)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [\n {"id" 3}\n]}', "line 2, column 8: malformed JSON"),
        ("[" * 100_000, "malformed JSON"),
        ("[]", "is an object with images"),
        ("{}", "no list 'images'"),
        (coco(images=[]), "'images' is empty"),
        (coco(images=[3]), r"images\[0\]: '3' is no object"),
        (coco(images=[{"id": [1], "file_name": "a"}]), r"images\[0\]: the id is \[1\]"),
        (coco(images=[{"id": 7}]), r"images\[0\]: file_name is None"),
        (coco(categories=[{"id": 1, "name": "a"}] * 2), r"categories\[1\]: id 1 is taken"),
        (coco(categories=[{"id": 1, "name": "a"}, {"id": 2, "name": "A"}]), "have the same name"),
        (coco(annotations=[{"image_id": 5, "category_id": 1}]), "no image with id 5"),
        (coco(annotations=[{"image_id": 7, "category_id": 2}]), "no category with id 2"),
    ],
)
def test_bad_coco_is_told_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    """Malformed JSON has a line, what contradicts itself the place in its list."""
    with pytest.raises(InputError, match=message):
        load(write(tmp_path / "x.json", text))


def annotation(*objects: tuple[str, int]) -> str:
    inside = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult>"
        "<part><name>head</name></part></object>"
        for name, difficult in objects
    )
    return f'<?xml version="1.0"?>\n<annotation><filename>x</filename>{inside}</annotation>'


def voc(root: Path) -> None:
    write(root / "Annotations/1.xml", annotation(("dog", 0), ("dog", 1), ("cat", 1)))
    write(root / "Annotations/2.xml", annotation(("cat", 0)))
    write(root / "Annotations/3.xml", annotation())
    touch(root, "JPEGImages/1.jpg", "JPEGImages/2.png")


def test_voc_without_lists(tmp_path: Path) -> None:
    """An object is yes, a difficult one alone unknown, none no; parts do not count."""
    voc(tmp_path)
    data = load(tmp_path)
    assert data.classes == ("cat", "dog")
    assert data.labels.tolist() == [[-1, 1], [1, 0], [0, 0]]
    assert [path.name for path in data.paths] == ["1.jpg", "2.png", "3.jpg"]
    assert data.splits is None
    assert load(tmp_path, partial=True).labels.tolist() == [[-1, 1], [1, -1], [-1, -1]]


def test_voc_with_lists(tmp_path: Path) -> None:
    """ImageSets/Main names the pictures of each split; files of a class stand above the XML."""
    voc(tmp_path)
    main = tmp_path / "ImageSets" / "Main"
    write(main / "train.txt", "2\n")
    write(main / "val.txt", "1\n4\n")
    write(main / "trainval.txt", "1\n2\n4\n")
    write(main / "cat_train.txt", "2  0\n")
    write(main / "tv_monitor_val.txt", "1 -1\n4  1\n")
    data = load(tmp_path)
    assert data.splits == ("train", "val", "val")
    assert data.classes == ("cat", "dog", "tv_monitor")
    assert data.labels.tolist() == [[-1, 0, 0], [-1, 1, 0], [-1, -1, 1]]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Annotations/9.xml", "<annotation>\n<object>\n</annotation>", "line 3, .*malformed XML"),
        ("Annotations/9.xml", "<html/>", "holds <html>, not <annotation>"),
        ("Annotations/9.xml", "<annotation><object/></annotation>", "line 1: an object has no"),
        (
            "Annotations/9.xml",
            '<!DOCTYPE a [\n<!ENTITY x "ha">]>\n<annotation>&x;</annotation>',
            "line 1: the file has a document type",
        ),
        ("ImageSets/Main/cat_train.txt", "1  1\n2  3\n", r"line 2: '2 3' is not a picture with"),
        ("ImageSets/Main/val.txt", "2\n", r"line 1: '2' is in split 'train' too"),
    ],
)
def test_bad_voc_is_told_with_its_line(name: str, text: str, message: str, tmp_path: Path) -> None:
    """Entity bombs are refused before they grow; all else is told with its line."""
    voc(tmp_path)
    if "ImageSets" in name:
        write(tmp_path / "ImageSets/Main/train.txt", "2\n")
    write(tmp_path / name, text)
    with pytest.raises(InputError, match=message):
        load(tmp_path)


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """An option that a layout has no use for is no silent wish."""
    touch(tmp_path, "cat/a.jpg")
    for options, message in (
        ({"layout": "yolo"}, "no layout 'yolo'. Known: folders, csv, coco, voc"),
        ({"separator": "|"}, "is for CSV files"),
        ({"column": "x"}, "is for CSV files"),
        ({"root": tmp_path}, "is not for folders"),
        ({"layout": "voc"}, "neither Annotations/ nor"),
        ({"layout": "coco"}, "Name the JSON file"),
        ({"layout": "csv"}, "holds 0 CSV files"),
    ):
        with pytest.raises(InputError, match=message):
            load(tmp_path, **options)
    table = write(tmp_path / "cat" / "l.csv", "path,labels\na.jpg,x\n")
    with pytest.raises(InputError, match=r"no column 'y'\. There are: path, labels"):
        load(table, column="y")
    with pytest.raises(InputError, match="no folder"):
        load(table, root="nowhere")
    with pytest.raises(InputError, match=r"is a file\. The layout 'voc'"):
        load(table, layout="voc")
    touch(tmp_path, "cat/a.bin")
    with pytest.raises(InputError, match=r"ending '\.bin' tells no layout"):
        load(tmp_path / "cat" / "a.bin")
