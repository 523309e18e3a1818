"""A slice of the phantom, and three copies of it by the policy `default`."""

import matplotlib.pyplot as plt
import numpy as np

from medaug.drawing import draw_slice
from medaug.gallery import phantom_subject
from medaug.policy import load_policy

subject = phantom_subject()
sample = subject.sample(in_hu=False)
policy = load_policy("default")
policy.set_random_state(seed=3)
copies = [policy(sample) for _ in range(3)]

window = tuple(np.percentile(subject.zscored, (0.5, 99.8)))
figure, places = plt.subplots(1, 4, figsize=(8, 2.4), layout="constrained")
for axes, title, shown in zip(places, ("as it is", "", "", ""), (sample, *copies), strict=True):
    image, label = (subject.picture(np.asarray(shown[key])) for key in ("image", "label"))
    draw_slice(axes, image, window, label)
    axes.set_aspect(subject.plane.aspect)
    axes.set_title(title)
