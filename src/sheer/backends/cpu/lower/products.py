"""Which kernel a contract body needs: the body in; its writer, scratch and split come out."""

from __future__ import annotations

from sheer.graph import Graph
from sheer.ops.cost import flops

from ..ir.target import Target
from .contract import ContractKernel, Split, contract_scratch
from .split import split_contract, worth_splitting
from .winograd import WinogradKernel, product_in_tiles, winograd_scratch
from .winograd_weight import WinogradWeightKernel, weight_in_tiles, weight_scratch

Writer = type[ContractKernel | WinogradKernel | WinogradWeightKernel]


def writer_of(body: Graph) -> Writer:
    """The class that writes the kernel."""
    if product_in_tiles(body) is not None:
        return WinogradKernel
    return ContractKernel if weight_in_tiles(body) is None else WinogradWeightKernel


def scratch_of(body: Graph, target: Target) -> int:
    """Bytes of scratch memory that one thread needs."""
    tiled, weight = product_in_tiles(body), weight_in_tiles(body)
    if tiled is not None:
        return winograd_scratch(tiled, target)
    return contract_scratch(body, target) if weight is None else weight_scratch(weight, target)


def split_product(body: Graph, target: Target) -> Split | None:
    """What to cut over threads."""
    tiled, weight = product_in_tiles(body), weight_in_tiles(body)
    if tiled is None and weight is None:
        return split_contract(body, target)
    if tiled is not None:
        count = tiled.prim.tiles(tiled.inputs[0], tiled.inputs[2]).blocks   # type: ignore[attr-defined]
    else:
        count = weight.shape[0] if weight is not None else 1
    return Split("units", count) if count > 1 and worth_splitting(flops(body)) else None
