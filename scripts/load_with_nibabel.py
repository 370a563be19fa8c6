#!/usr/bin/env python3
"""Loads and prepares a BIDS cohort with nibabel and scipy, for comparison with `u2ad bench load`.

    scripts/load_with_nibabel.py COHORT [--size 256] [--runs 3] [--jobs 2]

The same work on the same files: read image and labels, sagittal axes by the affine, cubic spline to
1 mm in-plane (labels: nearest neighbour), region of interest, a centred field of 200 mm, scaling to
the prepared size, clipping to percentiles. Prints one line of JSON.
"""
import argparse
import json
import pathlib
import resource
import time
from concurrent.futures import ProcessPoolExecutor

import nibabel
import numpy as np
from scipy import ndimage

FIELD = 200
CROSS = ndimage.generate_binary_structure(2, 1)


def sagittal(image):
    """Voxels as (right to left, superior to inferior, anterior to posterior), and their spacing."""
    wanted = nibabel.orientations.axcodes2ornt("LIP")
    have = nibabel.io_orientation(image.affine)
    image = image.as_reoriented(nibabel.orientations.ornt_transform(have, wanted))
    return np.asarray(image.dataobj, np.float32), image.header.get_zooms()[:3]


def field(plane):
    """A centred square of FIELD pixels, cropped or padded with zeros."""
    out = np.zeros((FIELD, FIELD), plane.dtype)
    source, target = [], []
    for length in plane.shape:
        if length > FIELD:
            start = length // 2 - FIELD // 2
            source.append(slice(start, start + FIELD))
            target.append(slice(0, FIELD))
        else:
            start = (FIELD - length) // 2
            source.append(slice(0, length))
            target.append(slice(start, start + length))
    out[tuple(target)] = plane[tuple(source)]
    return out


def prepare(path, labels, size):
    voxels, spacing = sagittal(nibabel.load(path))
    zoom, scale = spacing[1:], size / FIELD
    stem = path.name.removesuffix(".nii.gz").removesuffix(".nii")
    masks = {}
    for name in ("label-SC_seg", "label-CSF_seg", "label-lesion_seg", "labels-disc"):
        found = sorted(labels.glob(f"{stem}_{name}.nii*"))
        if found:
            mask = sagittal(nibabel.load(found[0]))[0] != 0
            masks[name] = [ndimage.zoom(m.astype(np.uint8), zoom, order=0) for m in mask]
    images = []
    for plane in voxels:
        plane = field(ndimage.zoom(plane.astype(np.float64), zoom, order=3))
        images.append(ndimage.zoom(plane, scale, order=3))
    images = np.stack(images)
    inside = np.abs(images - images[0, 0, 0]) > 1e-6 * np.ptp(images)
    low, high = np.percentile(images[inside], (0.2, 99.8))
    images[inside] = np.clip(images[inside], low, high)
    images = (images - images.min()) / np.ptp(images)
    slices = []
    for index, image in enumerate(images):
        cord = masks["label-SC_seg"][index]
        union = cord | masks["label-CSF_seg"][index] if "label-CSF_seg" in masks else cord
        region = ndimage.binary_dilation(union, CROSS)
        pieces, count = ndimage.label(region, CROSS)
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)
        sizes[0] = 0
        region = (sizes > 20)[pieces]
        planes = [region, cord, ndimage.binary_erosion(cord, np.ones((3, 3)))]
        planes += [masks[name][index] for name in ("label-lesion_seg",) if name in masks]
        planes = [ndimage.zoom(field(p.astype(np.uint8)), scale, order=0) for p in planes]
        if planes[0].any():
            slices.append((image.astype(np.float32), planes))
    return len(slices)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    labels = args.cohort / "derivatives" / "labels"
    work = []
    for path in sorted(args.cohort.glob("sub-*/anat/*_T2w.nii*")):
        work.append((path, labels / path.relative_to(args.cohort).parent, args.size))
    if not work:
        parser.error(f"{args.cohort}: no sub-*/anat/*_T2w.nii*")
    times = []
    with ProcessPoolExecutor(args.jobs) as pool:
        for _ in range(args.runs + 1):
            start = time.perf_counter()
            slices = sum(pool.map(prepare, *zip(*work)))
            times.append(time.perf_counter() - start)
    times = sorted(times[1:])  # the first starts the processes
    who = resource.RUSAGE_CHILDREN if args.jobs > 1 else resource.RUSAGE_SELF
    print(json.dumps({
        "what": "load", "median_s": times[len(times) // 2], "min_s": times[0], "batch_size": len(work),
        "slices": slices, "threads": args.jobs, "peak_rss_mb": resource.getrusage(who).ru_maxrss / 1024,
    }))


if __name__ == "__main__":
    main()
