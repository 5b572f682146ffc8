"""A graph of NIR out of its file: nodes and edges, with inner graphs written out."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from bsnn_hw.errors import InputError, ToolError

__all__ = ["flat", "read"]


def read(source: str | os.PathLike | Any) -> tuple[Any, str]:
    """The graph of a file, or the one that is given, and a name for it.

    Raises
    ------
    InputError
        There is no such file, or it is damaged.
    ToolError
        The package ``nir`` is not installed.
    """
    if not isinstance(source, (str, os.PathLike)):
        if not isinstance(getattr(source, "nodes", None), dict):
            raise InputError("source_file: must be a path or a nir.NIRGraph, not "
                             f"{type(source).__name__}")
        return source, "network"
    path = Path(source)
    try:
        import nir as library
    except ImportError:
        raise ToolError("nir: the package must be installed to read .nir files; pip install nir"
                        ) from None
    if not path.is_file():
        raise InputError(f"{path}: must be an existing .nir file; there is none")
    try:
        return read(_whole(library, path))[0], path.stem
    except Exception as error:  # h5py and nir raise almost anything for a damaged file
        words = (str(error) or type(error).__name__).strip().split("\n", 1)[0][:200]
        words = f"it has no {words}" if isinstance(error, KeyError) else words
        raise InputError(f"{path}: must be a NIR graph as nir writes them; {words}") from None


def _whole(library: Any, path: Path) -> Any:
    """The graph of a file.  nir's own check of shapes takes every convolution for one without
    groups and with a square kernel, and so refuses others.  Where it fails the graph is read
    without, as each node's shape is checked against what it gets later on."""
    try:
        return library.read(path)
    except Exception:
        import h5py
        from nir.serialization import hdf2dict

        with h5py.File(path) as file:
            return library.dict2NIRNode(_unchecked(hdf2dict(file["node"])))


def _unchecked(written: dict[str, Any]) -> dict[str, Any]:
    """A graph of a file so that nir checks no shapes, those of inner graphs neither."""
    nodes = {name: _unchecked(node) if node.get("type") == "NIRGraph" else node
             for name, node in written["nodes"].items()}
    return {**written, "nodes": nodes, "type_check": False}


def flat(graph: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Nodes and edges with inner graphs written out; an inner graph's input and output are
    nodes that change nothing.

    Raises
    ------
    InputError
        An edge that is there twice, or that starts or ends at nothing.
    """
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    for name, node in graph.nodes.items():
        if type(node).__name__ == "NIRGraph":
            more, inner = flat(node)
            nodes |= {f"{name}.{key}": value for key, value in more.items()}
            edges += [(f"{name}.{start}", f"{name}.{end}") for start, end in inner]
        else:
            nodes[name] = _in_numpy(name, node)
    outer = [(_end(graph, start, "Output"), _end(graph, end, "Input"))
             for start, end in graph.edges]
    twice = [edge for number, edge in enumerate(outer) if edge in outer[:number]]
    if twice:
        raise InputError(f"edge from {twice[0][0]!r} to {twice[0][1]!r}: must be there once, not "
                         "twice; multiply the weights by 2 where it counts twice")
    return nodes, edges + outer


def _in_numpy(name: str, node: Any) -> Any:
    """A node without tensors of torch, which exporters put into graphs that no file has had."""
    if node is None:  # as Norse's makes of a Flatten
        raise InputError(f"node {name!r}: must be a node of NIR, and is none: the exporter knows "
                         "none for the module there; convert the module itself, not its graph")
    tensors = {key: value for key, value in vars(node).items() if hasattr(value, "detach")}
    if not tensors:
        return node
    found = copy.copy(node)
    for key, value in tensors.items():
        value = value.detach().cpu()
        setattr(found, key, (value.double() if value.is_floating_point() else value).numpy())
    return found


def _end(graph: Any, name: str, kind: str) -> str:
    """The node at which an edge to ``name`` ends, inside of it if it is a graph."""
    if name not in graph.nodes:
        raise InputError(f"edge at {name!r}: must start and end at nodes of its graph, which are "
                         f"{', '.join(graph.nodes)}")
    inner = graph.nodes[name]
    if type(inner).__name__ != "NIRGraph":
        return name
    ends = [key for key, node in inner.nodes.items() if type(node).__name__ == kind]
    if len(ends) != 1:
        raise InputError(f"node {name!r}: must be a graph with one {kind} node, not {len(ends)}")
    return f"{name}.{ends[0]}"
