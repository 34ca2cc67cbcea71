"""What a wrong call of the optim room says, whole."""

import math
import textwrap

import numpy as np
import pytest
from optim_cases import stepped

import sheer
from sheer import optim
from sheer.graph import SheerError


def text(call):
    """The message of the error that the call must raise, without where tensors were made."""
    with pytest.raises(SheerError) as caught:
        call()
    lines = str(caught.value).split("\n")
    return "\n".join(line.split("  made at")[0].rstrip() for line in lines)


def lines(block):
    return textwrap.dedent(block).strip("\n")


def weight(value=1.0):
    return sheer.tensor([value, 2.0], requires_grad=True)


W, V = weight(), weight(3.0)


CASES = {
    "none": (lambda: optim.Adam([]), """
        Adam: there are no parameters
          params: empty
          need  : model.parameters(), not yet used up: an iterator gives its tensors once
          try   : list(model.parameters())
          more  : sheer explain E301
        """),
    "one tensor": (lambda: optim.SGD(W), """
        SGD: params is one tensor, not several tensors
          need : an iterable of tensors or of dicts
          try  : [params]
          more : sheer explain E301
        """),
    "empty group": (lambda: optim.SGD([{"params": []}]), """
        SGD: a group has no parameters
          params: empty
          need  : at least one tensor
          more  : sheer explain E301
        """),
    "a set": (lambda: optim.SGD([{"params": {1, 2}}]), """
        SGD: a set of parameters has no order
          need : a list
          more : sheer explain E301
        """),
    "twice": (lambda: optim.Adam([W, V, W]), """
        Adam: parameter 0 and parameter 2 are the same tensor
          tensor: f32[2]
          need  : each tensor once; it would move twice per step
          try   : list(dict.fromkeys(params))
          more  : sheer explain E302
        """),
    "twice by name": (lambda: optim.Adam([("encoder", W), ("decoder", W)]), """
        Adam: parameter 'encoder' and parameter 'decoder' are the same tensor
          tensor: f32[2]
          need  : each tensor once; it would move twice per step
          try   : list(dict.fromkeys(params))
          more  : sheer explain E302
        """),
    "twice in groups": (lambda: optim.Adam([{"params": [V, W]}, {"params": [W]}]), """
        Adam: parameter 1 of group 0 and parameter 0 are the same tensor
          tensor: f32[2]
          need  : each tensor once; it would move twice per step
          try   : list(dict.fromkeys(params))
          more  : sheer explain E302
        """),
    "computed": (lambda: optim.Adam([V, W * 2]), """
        Adam: parameter 1 was computed, it is no leaf
          tensor: f32[2]
          need  : a tensor you made yourself
          try   : p.detach().requires_grad_()
          more  : sheer explain E303
        """),
    "no tensor": (lambda: optim.Adam([1.0]), """
        Adam: parameter 0 is no tensor
          value: float
          need : tensors with requires_grad=True
          more : sheer explain E303
        """),
    "integers": (lambda: optim.Adam([sheer.tensor([1, 2])]), """
        Adam: parameter 0 holds int64
          tensor: i64[2]
          need  : float32 or float64
          more  : sheer explain E303
        """),
    "negative rate": (lambda: optim.SGD([W], lr=-0.1), """
        optimizer: lr = -0.1 is no learning rate
          need : a number >= 0; to climb instead of descend, maximize=True
          more : sheer explain E304
        """),
    "betas": (lambda: optim.AdamW([W], betas=(0.9, 1.0)), """
        AdamW: betas = (0.9, 1.0) is out of range
          need : two numbers in [0, 1), such as (0.9, 0.999)
          more : sheer explain E304
        """),
    "nesterov": (lambda: optim.SGD([W], nesterov=True), """
        SGD: nesterov looks ahead along the momentum
          momentum : 0
          dampening: 0
          need     : momentum > 0 and dampening = 0
          more     : sheer explain E304
        """),
    "misspelt": (lambda: optim.Adam([W], weigth_decay=0.1), """
        Adam: there is no option 'weigth_decay'
          need : weight_decay, decoupled_weight_decay, lr, betas, eps, amsgrad, maximize
          try  : weight_decay=...
          more : sheer explain E305
        """),
    "misspelt in a group": (lambda: optim.SGD([{"params": [W], "momentun": 0.9}]), """
        SGD: there is no option 'momentun'
          need : momentum, lr, dampening, weight_decay, nesterov, maximize
          try  : momentum=...
          more : sheer explain E305
        """),
    "other groups": (lambda: optim.SGD([W]).load_state_dict(optim.SGD([W, V]).state_dict()), """
        SGD: the saved groups are not those of this optimizer
          saved: parameters per group [2]
          here : parameters per group [1]
          need : the optimizer of the same model, with the same groups
          more : sheer explain E306
        """),
    "bad norm": (lambda: optim.clip_grad_norm_([W], -1.0), """
        clip_grad_norm_: max_norm = -1.0 is no bound
          need : a number >= 0
          more : sheer explain E308
        """),
    "bad kind of norm": (lambda: optim.get_total_norm([W], 0), """
        get_total_norm: norm_type = 0.0 is no norm
          need : a number > 0, or math.inf
          more : sheer explain E308
        """),
    "no optimizer": (lambda: optim.lr_scheduler.StepLR("adam", 3), """
        StepLR: str is no optimizer
          need : an optimizer of sheer.optim
          more : sheer explain E309
        """),
    "no optimizer, of groups": (lambda: optim.lr_scheduler.OneCycleLR("adam", 0.1, 10), """
        OneCycleLR: str is no optimizer
          need : an optimizer of sheer.optim
          more : sheer explain E309
        """),
    "a setting": (lambda: optim.lr_scheduler.StepLR(optim.SGD([W]), 0), """
        StepLR: step_size = 0 is out of range
          need : a number of steps > 0
          more : sheer explain E309
        """),
    "no momentum": (lambda: optim.lr_scheduler.OneCycleLR(optim.SGD([W]), 0.1, 10), """
        OneCycleLR: there is no momentum to cycle
          optimizer: SGD
          need     : momentum > 0 or betas
          try      : cycle_momentum=False
          more     : sheer explain E309
        """),
    "no start": (lambda: optim.lr_scheduler.ExponentialLR(optim.SGD([W]), 0.9, last_epoch=3), """
        ExponentialLR: group 0 has no initial_lr to go on from
          last_epoch: 3
          need      : an optimizer that had a schedule before, or last_epoch=-1
          more      : sheer explain E310
        """),
    "after the end": (lambda: optim.lr_scheduler.OneCycleLR(
        optim.SGD([W]), 0.1, 10, cycle_momentum=False).step(11), """
        OneCycleLR: step 11 is after the cycle
          total_steps: 10
          need       : at most total_steps calls of step()
          more       : sheer explain E312
        """),
    "a rate to come": (lambda: optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([W])).value(3), """
        ReduceLROnPlateau: the rate depends on metrics to come
          need : schedule.step(metric) after every validation
          more : sheer explain E313
        """),
}


S = optim.lr_scheduler


def with_gradient(grad):
    p = weight()
    p.grad = grad                          # refused here or, at the latest, by the step
    optim.SGD([p]).step()


def schedule(kind, *args, **options):
    return getattr(S, kind)(optim.SGD([W]), *args, **options)


REFUSED = {
    "swapped": ("E301", lambda: optim.Adam(0.1, [W])),
    "text for parameters": ("E301", lambda: optim.Adam("weights")),
    "None for parameters": ("E301", lambda: optim.Adam(None)),
    "a number as closure": ("E304", lambda: stepped().step(3)),
    "a number as closure of L-BFGS": ("E521", lambda: optim.LBFGS([W]).step(3)),
    "two rates": ("E304", lambda: optim.Adam([W], lr=sheer.tensor([0.1, 0.2]))),
    "a rate as text": ("E304", lambda: optim.SGD([W], lr="0.1")),
    "an infinite rate": ("E304", lambda: optim.SGD([W], lr=math.inf)),
    "momentum as text": ("E304", lambda: optim.SGD([W], momentum="abc")),
    "betas as text": ("E304", lambda: optim.Adam([W], betas=("a", "b"))),
    "one eta": ("E304", lambda: optim.Rprop([W], etas=0.5)),
    "no rate": ("E304", lambda: stepped().param_groups[0].pop("lr")),
    "no betas": ("E304", lambda: stepped().param_groups[0].pop("betas")),
    "an integer gradient": (None, lambda: with_gradient(sheer.tensor([1, 2]))),
    "an array as gradient": (None, lambda: with_gradient(np.ones(2, np.float32))),
    "a number as lambda": ("E309", lambda: schedule("LambdaLR", 0.5)),
    "a lambda of None": ("E309", lambda: schedule("LambdaLR", lambda t: None)),
    "a factor of None": ("E309", lambda: schedule("MultiplicativeLR", lambda t: None).step()),
    "one milestone": ("E309", lambda: schedule("MultiStepLR", 3)),
    "half a milestone": ("E309", lambda: schedule("MultiStepLR", [1.5])),
    "gamma as text": ("E309", lambda: schedule("StepLR", 1, gamma="a")),
    "half a step": ("E309", lambda: schedule("StepLR", 1.5)),
    "gamma None": ("E309", lambda: schedule("ExponentialLR", None)),
    "T_max as text": ("E309", lambda: schedule("CosineAnnealingLR", "a")),
    "no iterations": ("E309", lambda: schedule("PolynomialLR", None)),
    "a start as text": ("E309", lambda: schedule("LinearLR", "a")),
    "a top as text": ("E309", lambda: schedule("OneCycleLR", "a", 10)),
    "no list of schedules": ("E309", lambda: schedule("SequentialLR", 3, [1])),
    "no metric": ("E309", lambda: schedule("ReduceLROnPlateau").step(None)),
    "no place": ("E309", lambda: schedule("StepLR", 1).load_state_dict(None)),
    "another place": ("E309", lambda: schedule("StepLR", 1).load_state_dict({"a": 1})),
    "no place of a plateau": ("E309", lambda: schedule("ReduceLROnPlateau").load_state_dict({})),
}


@pytest.mark.parametrize("name", REFUSED)
def test_mistakes_are_refused_by_code(name):
    code, call = REFUSED[name]
    with pytest.raises(SheerError) as caught:
        call()
    assert code in (None, caught.value.code)


def test_what_is_tried_for_a_dict_of_tensors_works():
    params = {"a": weight(), "b": weight()}
    assert text(lambda: optim.SGD(params, lr=0.1)) == lines("""
        SGD: params is a dict, not several tensors
          need : an iterable of tensors or of dicts
          try  : list(params.values())
          more : sheer explain E301
        """)
    optim.SGD(list(params.values()), lr=0.1)


@pytest.mark.parametrize("name", CASES)
def test_the_whole_message(name):
    call, expected = CASES[name]
    assert text(call) == lines(expected)


def test_a_gradient_that_is_not_finite():
    w = weight()
    (w * math.inf).sum().backward()
    assert text(lambda: optim.clip_grad_norm_([w], 1.0, error_if_nonfinite=True)) == lines("""
        clip_grad_norm_: the norm of the gradients is inf
          need : finite gradients
          try  : error_if_nonfinite=False
          more : sheer explain E307
        """)


def test_a_state_of_another_shape():
    big = sheer.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    other = optim.Adam([big])
    (big * big).sum().backward()
    other.step()
    assert text(lambda: optim.Adam([W]).load_state_dict(other.state_dict())) == lines("""
        Adam: exp_avg of parameter 0 has another shape
          saved    : (2, 2)
          parameter: f32[2]
          need     : the state of a model with the same parameters in the same order
          more     : sheer explain E306
        """)


def test_a_schedule_stepped_inside_a_compiled_function():
    schedule = optim.lr_scheduler.ExponentialLR(optim.SGD([W]), 0.9)
    assert text(sheer.jit(schedule.step)) == lines("""
        ExponentialLR: step() inside a compiled function would run only once
          need : schedule.step() after the call; the rate is a tensor, nothing is traced again
          more : sheer explain E311
        """)


def test_implementation_switches_of_torch_are_accepted():
    group = optim.Adam([W], foreach=True, fused=False, capturable=True).param_groups[0]
    assert (group["foreach"], group["fused"], group["capturable"]) == (True, False, True)


def test_groups_may_carry_notes_of_their_own():
    group = optim.Adam([{"params": [W], "tag": "head"}]).param_groups[0]
    assert group["tag"] == "head"
    assert dict(group)["lr"] == 1e-3
    assert {**group}["betas"] == (0.9, 0.999)


def test_a_negative_rate_set_later_is_refused():
    group = optim.Adam([W]).param_groups[0]
    with pytest.raises(SheerError, match="E304"):
        group["lr"] = -1
    assert group["lr"] == 1e-3


def test_what_cannot_be_computed_is_no_error_of_a_step():
    w = sheer.ones(4, 3, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    looked_at = (w * 2)[sheer.tensor([0, 4])]
    with pytest.raises(SheerError, match="outside axis 0"):
        looked_at.numpy()
    never = (w * 2)[sheer.tensor([5])]
    for step in range(3):
        (w * 3).sum().backward()
        seen = w.sum()
        optimizer.step()
        optimizer.zero_grad()
        assert seen.item() == pytest.approx(12 - 3.6 * step)         # of the weights before
    with pytest.raises(SheerError, match="outside axis 0"):
        never.numpy()
