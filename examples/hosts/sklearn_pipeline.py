"""A classifier of scikit-learn: the model and the dimensions are parameters of a grid search.

pip install "nearfield[sklearn]"
python -m examples.hosts.sklearn_pipeline FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from examples.hosts import shop
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline

from nearfield.integrations.sklearn import TextEmbedder

INDOORS = {"kitchen", "electronics", "music", "books", "health"}


def main(folder: Path) -> shop.Measured:
    """Select by cross-validation, write the choice down, and return how well it finds."""
    products = shop.products()
    texts = [each.text for each in products]
    indoors = [each.department in INDOORS for each in products]
    pipeline = Pipeline(
        [("embed", TextEmbedder()), ("classify", LogisticRegression(C=10.0, max_iter=1000))]
    )
    grid = {"embed__model": list(shop.MODELS), "embed__dimensions": [128, None]}
    search = GridSearchCV(pipeline, grid, cv=4).fit(texts, indoors)
    print(f"{search.best_params_}: {search.best_score_:.0%} right, of texts it was not fitted on")

    # The same transformer searches: neighbours of a question's vector.
    choice = shop.choose()
    embedder = TextEmbedder(choice.model, dimensions=choice.dimensions)
    neighbours = NearestNeighbors(n_neighbors=10, metric="cosine").fit(
        embedder.fit_transform(texts)
    )
    asking = TextEmbedder(choice.model, dimensions=choice.dimensions, role="query").fit(texts)

    def find(question: str) -> list[str]:
        places = neighbours.kneighbors(asking.transform([question]), return_distance=False)[0]
        return [products[at].id for at in places]

    measured = shop.measure({"dense": find})
    shop.document(folder / "sklearn.md", "scikit-learn", choice, measured)
    # Parameters as JSON, no pickle: this is all that the transformer is.
    kept = {"parameters": embedder.get_params(), "fingerprint": embedder.fingerprint_}
    (folder / "sklearn.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")
    return measured


if __name__ == "__main__":
    main(Path(sys.argv[1]))
