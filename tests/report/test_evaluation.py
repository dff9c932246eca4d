from __future__ import annotations

from bcsearch.records.evaluation import ClassScore, Evaluation
from bcsearch.report.evaluation import evaluation_text


def test_scores_are_shown_class_by_class_beside_the_confusion_matrix() -> None:
    per_class = {
        "basophil": ClassScore(images=3, precision=1.0, recall=2 / 3, f1=0.8),
        "platelet": ClassScore(images=0, precision=0.0, recall=None, f1=0.0),
    }
    found = Evaluation(
        n_images=3,
        accuracy=2 / 3,
        macro_f1=0.4,
        per_class=per_class,
        confusion=[[2, 1], [0, 0]],
    )
    lines = evaluation_text(found).splitlines()
    assert lines[0] == "3 images: accuracy 0.6667, macro F1 0.4000"
    header = "class images precision recall f1 | predicted as class 0 1"
    assert lines[1].split() == header.split()
    assert lines[2].split() == ["basophil", "3", "1.0000", "0.6667", "0.8000", "|", "2", "1"]
    assert lines[3].split() == ["platelet", "0", "0.0000", "-", "0.0000", "|", "0", "0"]
    assert len({line.index("|") for line in lines[1:]}) == 1
