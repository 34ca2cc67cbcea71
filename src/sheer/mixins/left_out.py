"""What PyTorch has and sheer leaves out on purpose: names flow in, reasons flow out.

docs/left-out.md says the same for people; a test compares the two.
"""

from __future__ import annotations

_LOW = "its numbers have fewer than 32 bits"
_OLD = "PyTorch itself calls it deprecated"
_INSIDE = "it is a part of PyTorch's own machinery"
_PRUNE = "a mask is a parametrisation"
_MACHINES = "one program uses all cores of one machine"

LEFT_OUT: dict[str, dict[str, tuple[str, str]]] = {
    "nn": {
        "DataParallel": (_MACHINES, "the module itself, under sheer.jit or fit"),
        "SyncBatchNorm": (_MACHINES, "nn.BatchNorm2d"),
        "CrossMapLRN2d": ("torch's never lets go of the first channel", "nn.LocalResponseNorm"),
        "Container": (_OLD, "nn.Module"),
        "NLLLoss2d": (_OLD, "nn.NLLLoss"),
        "LinearCrossEntropyOptions": ("the compiler decides what is kept",
                                      "nn.LinearCrossEntropyLoss"),
        "common_types": (_INSIDE, ""), "factory_kwargs": (_INSIDE, ""),
        "grad": (_INSIDE, "sheer.grad"), "modules": (_INSIDE, "sheer.nn"),
        "parallel": (_MACHINES, "the module itself, under sheer.jit or fit"),
        "intrinsic": (_LOW, "nn.utils.fuse_conv_bn_eval"), "qat": (_LOW, "float32"),
        "quantizable": (_LOW, "float32"), "quantized": (_LOW, "float32"),
    },
    "nn.functional": {
        "grouped_mm": (_LOW, "sheer.bmm"), "scaled_mm": (_LOW, "sheer.mm"),
        "scaled_grouped_mm": (_LOW, "sheer.bmm"),
        "ScalingType": (_LOW, "float32"), "SwizzleType": (_LOW, "float32"),
        "assert_int_or_pair": (_INSIDE, ""), "boolean_dispatch": (_INSIDE, ""),
        "grad": (_INSIDE, "sheer.grad"),
        "handle_torch_function": (_INSIDE, ""), "has_torch_function": (_INSIDE, ""),
        "has_torch_function_unary": (_INSIDE, ""), "has_torch_function_variadic": (_INSIDE, ""),
    },
    "nn.utils": {
        "weight_norm": (_OLD, "nn.utils.parametrizations.weight_norm"),
        "remove_weight_norm": (_OLD, "nn.utils.parametrize.remove_parametrizations"),
        "spectral_norm": (_OLD, "nn.utils.parametrizations.spectral_norm"),
        "remove_spectral_norm": (_OLD, "nn.utils.parametrize.remove_parametrizations"),
        "clip_grad_norm": (_OLD, "nn.utils.clip_grad_norm_"),
        "prune": (_PRUNE, "nn.utils.parametrize.register_parametrization"),
        "skip_init": ("there is no memory without values", "the class itself"),
        "convert_conv2d_weight_memory_format": ("the compiler chooses layouts", "sheer.jit"),
        "convert_conv3d_weight_memory_format": ("the compiler chooses layouts", "sheer.jit"),
        "memory_format": ("the compiler chooses layouts", "sheer.jit"),
    },
    "nn.utils.parametrize": {
        "transfer_parametrizations_and_params": (_INSIDE, "copy.deepcopy(module)"),
    },
    "nn.utils.parametrizations": {
        "orthogonal": ("its maps need a matrix exponential", "nn.init.orthogonal_"),
    },
    "optim": {
        "SparseAdam": ("gradients are dense", "optim.Adam"),
    },
    "autograd": {
        "Function": ("a rule written by hand is a primitive, with all its rules and tests",
                     "CONTRIBUTING.md, how to add a primitive"),
        "NestedIOFunction": (_INSIDE, ""), "SavedTensor": (_INSIDE, ""),
        "Variable": (_OLD, "sheer.tensor"), "variable": (_OLD, "sheer.tensor"),
        "detect_anomaly": ("every node knows its line", "fit, which names the first operation "
                           "whose numbers are not finite"),
        "set_detect_anomaly": ("every node knows its line", "fit, which names the first operation "
                               "whose numbers are not finite"),
        "set_multithreading_enabled": ("one program uses all cores", "sheer.set_num_threads"),
        "enforce_grad_layout_policy": (_INSIDE, ""), "grad_mode": (_INSIDE, "sheer.no_grad"),
    },
}
