"""LlamaIndex's nodes as passages, and back with their relationships."""

from __future__ import annotations

import json

from llama_index.core.schema import (
    BaseNode,
    MetadataMode,
    NodeRelationship,
    RelatedNodeInfo,
    TextNode,
)
from llama_index.core.vector_stores.utils import metadata_dict_to_node

from nearfield.integrations.common.metadata import KEPT, described, pack
from nearfield.types import Chunk

__all__ = ["NODE", "REF", "to_chunk", "to_node"]

NODE = "_node_content"
"""Field with the whole node as JSON, but for its text and its embedding."""

REF = "ref_doc_id"
"""Field with the id of the document that a node was cut from; empty fields match nothing."""

_TYPE = "_node_type"


def to_chunk(node: BaseNode) -> Chunk:
    """The passage that stores one node.

    Filters see the node's metadata and ``ref_doc_id``, as in LlamaIndex's other stores.
    """
    text = node.get_content(metadata_mode=MetadataMode.NONE)
    content = node.model_dump(mode="json")
    content["embedding"] = None
    for name in ("text", "text_resource"):
        content.pop(name, None)
    fields = pack(node.metadata, node.node_id)
    fields.pop(KEPT, None)  # the node itself is kept whole
    fields |= {NODE: json.dumps(content, ensure_ascii=False), _TYPE: node.class_name()}
    if node.ref_doc_id is not None:
        fields[REF] = node.ref_doc_id
    return Chunk(node.node_id, node.ref_doc_id or node.node_id, text, 0, len(text), metadata=fields)


def to_node(chunk: Chunk) -> BaseNode:
    """The node that a passage is to LlamaIndex, written by it or cut from a file."""
    if NODE in chunk.metadata:
        fields = {name: chunk.metadata[name] for name in (NODE, _TYPE)}
        return metadata_dict_to_node(fields, text=chunk.text)
    document = RelatedNodeInfo(node_id=chunk.document_id)
    return TextNode(
        id_=chunk.id,
        text=chunk.text,
        metadata=described(chunk),
        start_char_idx=chunk.start,
        end_char_idx=chunk.end,
        relationships={NodeRelationship.SOURCE: document},
    )
