"""What estimators of networks do where the network has several heads."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils._set_output import ADAPTERS_MANAGER

from fastnn.estimators.data.arrays import as_array_of
from fastnn.estimators.data.containers import Targets
from fastnn.estimators.data.given_classes import as_classes
from fastnn.estimators.data.head_weights import check_head_weights
from fastnn.estimators.data.heads import HeadTargets, HeadValues, naming_head
from fastnn.estimators.data.mixed_targets import heads_that_mix, that_mix
from fastnn.estimators.data.targets import RegressionTargets
from fastnn.estimators.data.weights import ClassWeights
from fastnn.estimators.heads import (
    by_head,
    head_targets,
    head_values,
    heads_of,
    with_outputs,
)
from fastnn.estimators.neural_net import BaseNeuralNet
from fastnn.utils.plain_numbers import plain


class ManyHeads(BaseNeuralNet):
    """Estimators whose networks may have heads, for each of which y has targets.

    Where the network has one output, without a name, all is as it is without heads.

    Parameters
    ----------
    loss_weight : dict, default=None
        Factors of the losses of :class:`fastnn.Heads` in their sum, by the names of the
        heads; 1 for heads that are not named.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **BaseNeuralNet._parameter_constraints,
        "loss_weight": [dict, None],
    }

    network: Any
    loss: Any
    loss_weight: dict[str, float] | None
    class_weight: Any = None
    classes_: Any

    def _reads_numbers(self, head: str, loss: Any, values: Any) -> bool:
        """Whether a head is asked for numbers, and not for classes."""
        return self._numeric_targets

    def _losses(self, heads: list[str]) -> dict[str, Any]:
        """The losses of heads; those that have none are not there."""
        if isinstance(self.loss, dict):
            return by_head(self.loss, heads, "loss")
        return dict.fromkeys(heads, self.loss)

    def _check_heads(
        self, y: Any, name: str, previous: Any, *, batch: bool
    ) -> HeadValues | None:
        heads = heads_of(self.network)
        if previous is not None and isinstance(previous, HeadTargets) != bool(heads):
            raise ValueError(
                "the network now has "
                f"{f'the heads {heads}' if heads else 'one output without a name'}, "
                "as it had not when it was trained. Leave it as it was, or call fit "
                "with warm_start=False."
            )
        if not heads:
            self._check_no_heads()
            return None
        losses, kind = self._losses(heads), self._reads_numbers
        return head_values(y, losses, heads, previous, name, kind, batch=batch)

    def _check_no_heads(self) -> None:
        """Refuse parameters of heads, where there are none."""
        if isinstance(self.loss, dict) or self.loss_weight is not None:
            raise ValueError(
                "loss and loss_weight name heads, and the network has one output "
                "without a name. End it in Heads, or pass one loss."
            )

    def _make_targets(
        self, y: Any, classes: Any, previous: Any, incremental: bool
    ) -> Any:
        if not isinstance(y, HeadValues):
            one = super()._make_targets(  # type: ignore[safe-super] # a sibling's
                y, classes, previous, incremental
            )
            return one if self.mixing is None else that_mix(one, self.mixing)
        heads = list(y.values)
        classes = by_head(classes, heads, "classes")
        numbers = [head for head in classes if y.numeric[head]]
        if numbers:
            raise ValueError(
                f"classes names {numbers}, heads of numbers, which have no classes. "
                "Leave them out."
            )
        if previous is None and incremental:
            missing = [h for h in heads if not y.numeric[h] and h not in classes]
            if missing:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit: a dict "
                    f"with those of the heads {missing}."
                )
        classes = {name: as_classes(each) for name, each in classes.items()}
        weights = by_head(self.loss_weight, heads, "loss_weight")
        targets = head_targets(y, self._losses(heads), weights, classes, previous)
        if self.mixing is not None:
            targets = heads_that_mix(targets, y, self.mixing)
        if previous is not None or incremental:
            targets.check(y, classes, complete=not incremental)
        if not self._numeric_targets:
            self.classes_ = targets.classes
        return targets

    def _class_weights(self, targets: Any, y: Any, incremental: bool) -> Any:
        if not isinstance(y, HeadValues):
            return super()._class_weights(targets, y, incremental)
        found: dict[str, ClassWeights] = {}
        if isinstance(self.class_weight, str):  # "balanced"
            given = dict.fromkeys(targets.classes, self.class_weight)
        else:
            given = by_head(self.class_weight, list(targets.heads), "class_weight")
        for name, weights in given.items():
            own = targets.heads[name]
            if weights is None or y.lacks(name):
                continue
            named = isinstance(weights, str) and weights == "balanced"
            if not named and not isinstance(weights, dict | list):
                raise ValueError(
                    f"class_weight of head {name!r} must be a dict of weights by "
                    f"class, a list of them by column, or 'balanced', got {weights!r}."
                )
            if isinstance(own, RegressionTargets):
                raise ValueError(
                    f"class_weight names {name!r}, a head of numbers, which have no "
                    "classes. Leave it out, or pass sample_weight={...} by head."
                )
            if incremental and named:
                raise ValueError(
                    f"class_weight 'balanced' of head {name!r} is not supported for "
                    "partial_fit, which sees one batch of samples at a time. Pass a "
                    "dict of weights by class."
                )
            with naming_head(name):
                found[name] = ClassWeights(weights, own, y.of(name))
        return found

    def _describe_network(self, targets: Any) -> Any:
        if not isinstance(targets, HeadTargets):
            return super()._describe_network(targets)
        return plain(with_outputs(self.network, targets))

    def _has_heads(self) -> bool:
        """Whether it was fitted with several heads."""
        return isinstance(vars(self).get("_targets"), HeadTargets)

    def _predictions(self, X: Any) -> Any:
        """Predictions of all heads, as y was in ``fit`` where that can hold them."""
        if not self._has_heads():
            return super()._predictions(X)
        targets = self._targets
        found = targets.decode(self._outputs(X))
        if targets.container == "array":  # of the only head
            return as_array_of(X, *found.values())
        several = any(np.ndim(each) > 1 for each in found.values())
        if targets.container == "Targets" or several:  # a frame has no such columns
            return Targets(**found)
        adapter = ADAPTERS_MANAGER.adapters[targets.container]
        return adapter.create_container(found, X, columns=list(found), inplace=False)

    def _scores(self, X: Any, y: Any, sample_weight: Any) -> float:
        """The mean of the heads' accuracies or R2."""
        targets, heads = self._targets, list(self._targets.heads)
        values = head_values(y, {}, heads, targets, "y", self._reads_numbers)
        weight = check_head_weights(sample_weight, {}, values, np.dtype(np.float64))
        return targets.score(values, targets.decode(self._outputs(X)), weight)
