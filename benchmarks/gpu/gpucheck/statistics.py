"""What is said of samples: median, spread, ratios."""


def quantile(samples, share):
    """The value below which `share` of the samples lie, interpolated."""
    ordered = sorted(samples)
    if not ordered:
        raise ValueError("no samples")
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def median(samples):
    return quantile(samples, 0.5)


def summary(samples):
    """Median, interquartile range, extremes and number of samples."""
    return {
        "median": median(samples),
        "iqr": quantile(samples, 0.75) - quantile(samples, 0.25),
        "min": min(samples),
        "max": max(samples),
        "samples": len(samples),
    }


def ratio(ours, peer):
    """How much faster ours is than the peer: the ratio of the medians of times."""
    return median(peer) / median(ours)
