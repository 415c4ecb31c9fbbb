"""A plot of the series on logarithmic axes, with lines of slope one."""


def draw(series, path):
    """Write a PNG; needs matplotlib."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(series), figsize=(9, 3), layout="constrained")
    for axis, (name, found) in zip(axes, series.items(), strict=True):
        sizes = [size for size, _ in found["points"]]
        microseconds = [
            (seconds - found["overhead"]) * 1e6 for _, seconds in found["points"]
        ]
        # Through the geometric middle of the points.
        middle = len(sizes) // 2
        line = [microseconds[middle] * size / sizes[middle] for size in sizes]
        axis.loglog(sizes, line, color="0.7", label="proportional")
        axis.loglog(sizes, microseconds, "o", markersize=4, label="measured")
        axis.set_xlabel(name)
    axes[0].set_ylabel("µs per step, less overhead")
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
