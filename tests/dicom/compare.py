"""`u2ad import` against dcm2niix: the same DICOM files, written by pydicom and GDCM, must give the same voxels at
the same place in the scanner.

U2AD is the program.
"""

import json
import os
import random
import subprocess
import tempfile
import unittest
from pathlib import Path

import gdcm
import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

U2AD = os.environ["U2AD"]
# Millimetres.
TOLERANCE = 1e-3


def phantom(slices=7, rows=96, columns=80, largest=4095):
    """A bright tube in tissue with noise, without any symmetry. Indexed by slice, row, column."""
    draw = np.random.default_rng(3)
    slice_, row, column = np.mgrid[:slices, :rows, :columns]
    tube = np.exp(-((column - 30 - row / 8) ** 2) / 40 - (slice_ - 3) ** 2 / 6)
    image = 0.5 * tube + 0.2 * row / rows + 0.1 * column / columns + 0.1 * draw.random(tube.shape)
    return np.clip(image / image.max() * largest, 0, largest).astype(np.int64)


def turned(x, y, z):
    """The rotation about the three axes, angles in degrees."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians([x, y, z])):
        a, b = [other for other in range(3) if other != axis]
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


# Along rows, along columns and from slice to slice, in DICOM's coordinates.
SAGITTAL = np.array([[0, 1, 0], [0, 0, -1], [-1, 0, 0]], float)


class Scan:
    """A series of slices."""

    def __init__(self, samples, axes=SAGITTAL, spacing=(0.7, 0.6, 3.3), **elements):
        self.samples = samples
        self.axes = axes
        self.rows_apart, self.columns_apart, self.slices_apart = spacing
        self.elements = elements
        self.bits = (16, 12)
        self.signed = False

    def position(self, number):
        start = np.array([-20.0, 35.5, 61.25])
        return start + number * self.slices_apart * self.axes[2]

    def common(self, number):
        data = Dataset()
        data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        data.SOPInstanceUID = generate_uid()
        data.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
        data.StudyDate, data.StudyTime = "20240229", "101112"
        data.SeriesDate, data.SeriesTime = "20240229", "101500"
        data.AcquisitionDate, data.AcquisitionTime = "20240229", "101500"
        data.Modality, data.Manufacturer = "MR", "Acme"
        data.SeriesDescription = data.ProtocolName = "t2_tse_sag"
        data.PatientName, data.PatientID, data.PatientBirthDate = "Doe^Jane", "4711", "19700101"
        data.PatientPosition = "HFS"
        data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.276.0.1", "1.2.276.0.1.3"
        data.FrameOfReferenceUID = "1.2.276.0.1.4"
        data.SeriesNumber, data.AcquisitionNumber, data.InstanceNumber = 3, 1, number + 1
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.Rows, data.Columns = self.samples.shape[1:]
        data.BitsAllocated, data.BitsStored = self.bits
        data.HighBit = data.BitsStored - 1
        data.PixelRepresentation = int(self.signed)
        return data

    def pixels(self, samples):
        kind = f"<{'i' if self.signed else 'u'}{self.bits[0] // 8}"
        return np.ascontiguousarray(samples.astype(kind))

    def slice(self, number):
        data = self.common(number)
        data.ScanningSequence, data.SequenceVariant, data.MRAcquisitionType = "SE", "SK", "2D"
        data.EchoTime, data.RepetitionTime, data.FlipAngle, data.EchoNumbers = 102, 3500, 150, 1
        data.MagneticFieldStrength = 1.5
        data.SliceThickness, data.SpacingBetweenSlices = 3, self.slices_apart
        data.ImagePositionPatient = [f"{x:.8f}" for x in self.position(number)]
        data.ImageOrientationPatient = [f"{x:.10f}" for x in self.axes[:2].ravel()]
        data.PixelSpacing = [self.rows_apart, self.columns_apart]
        for name, value in self.elements.items():
            setattr(data, name, value)
        data.PixelData = self.pixels(self.samples[number]).tobytes()
        data["PixelData"].VR = "OW" if self.bits[0] > 8 else "OB"
        return data

    def frames(self):
        """All slices as one enhanced image, the frames in a random order."""
        order = list(range(len(self.samples)))
        random.Random(1).shuffle(order)
        data = self.common(0)
        data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
        data.NumberOfFrames = len(order)
        data.EchoPulseSequence, data.MagneticFieldStrength = "SPIN", 1.5

        def group(**elements):
            item = Dataset()
            for name, value in elements.items():
                setattr(item, name, value)
            return Sequence([item])

        shared = Dataset()
        spacing = [self.rows_apart, self.columns_apart]
        shared.PixelMeasuresSequence = group(
            PixelSpacing=spacing, SliceThickness=3, SpacingBetweenSlices=self.slices_apart
        )
        orientation = [f"{x:.10f}" for x in self.axes[:2].ravel()]
        shared.PlaneOrientationSequence = group(ImageOrientationPatient=orientation)
        shared.MRTimingAndRelatedParametersSequence = group(RepetitionTime=3500, FlipAngle=150)
        shared.MREchoSequence = group(EffectiveEchoTime=102.0)
        shared.PixelValueTransformationSequence = group(
            RescaleSlope=2, RescaleIntercept=-5, RescaleType="US"
        )
        data.SharedFunctionalGroupsSequence = Sequence([shared])
        each = []
        for number in order:
            frame = Dataset()
            position = [f"{x:.8f}" for x in self.position(number)]
            frame.PlanePositionSequence = group(ImagePositionPatient=position)
            frame.FrameContentSequence = group(
                StackID="1", InStackPositionNumber=number + 1, DimensionIndexValues=[1, number + 1]
            )
            each.append(frame)
        data.PerFrameFunctionalGroupsSequence = Sequence(each)
        data.PixelData = self.pixels(self.samples[order]).tobytes()
        data["PixelData"].VR = "OW"
        return data


def save(data, path, syntax):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax == RLELossless else syntax
    data.file_meta = meta
    if syntax == RLELossless:
        data.compress(RLELossless)
    if syntax == ExplicitVRBigEndian and data.BitsAllocated == 16:
        data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
    pydicom.dcmwrite(path, data, enforce_file_format=True)


def recompress(path, syntax):
    """Lets GDCM write a file anew in another encoding."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read(), path
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change(), path
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write(), path


class Comparison(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)
        self.dicom = self.place / "dicom"
        self.dicom.mkdir()

    def write(self, scan, syntax=ExplicitVRLittleEndian):
        names = list(range(len(scan.samples)))
        random.Random(2).shuffle(names)
        paths = [self.dicom / f"IM{name:03}" for name in names]
        for number, path in enumerate(paths):
            save(scan.slice(number), path, syntax)
        return paths

    def imported(self):
        done = subprocess.run(
            [U2AD, "import", self.dicom, self.place / "bids"], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        image = self.place / "bids/sub-001/anat/sub-001_T2w.nii.gz"
        return nibabel.load(image), json.loads(image.with_name("sub-001_T2w.json").read_text())

    def converted(self):
        done = subprocess.run(
            ["dcm2niix", "-z", "n", "-b", "y", "-o", self.place, "-f", "converted", self.dicom],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        images = list(self.place.glob("converted*.nii"))
        self.assertEqual(len(images), 1, done.stdout)
        return nibabel.load(images[0]), json.loads(images[0].with_suffix(".json").read_text())

    def compare(self, tolerance=0):
        """Both images in the same order of axes."""
        ours, sidecar = self.imported()
        theirs, their_sidecar = self.converted()
        for name in ["EchoTime", "RepetitionTime", "FlipAngle", "MagneticFieldStrength"]:
            if name in their_sidecar:
                self.assertAlmostEqual(sidecar[name], their_sidecar[name], places=6, msg=name)
        ours, theirs = map(nibabel.as_closest_canonical, (ours, theirs))
        self.assertEqual(ours.shape, theirs.shape)
        corners = np.array(np.meshgrid(*[[0, size - 1] for size in ours.shape])).reshape(3, -1)
        apart = nibabel.affines.apply_affine(ours.affine, corners.T)
        apart = apart - nibabel.affines.apply_affine(theirs.affine, corners.T)
        farthest = np.abs(apart).max()
        differing = np.abs(ours.get_fdata() - theirs.get_fdata()).max()
        print(f"{self.id()}: corners {farthest:.6f} mm apart, voxels differ by {differing:g}")
        self.assertLess(farthest, TOLERANCE)
        self.assertLessEqual(differing, tolerance)
        return ours

    def compare_written(self, scan, syntax=ExplicitVRLittleEndian):
        self.write(scan, syntax)
        return self.compare()

    def test_explicit(self):
        image = self.compare_written(Scan(phantom()))
        self.assertEqual(sorted(image.shape), [7, 80, 96])

    def test_implicit_signed_and_rescaled(self):
        scan = Scan(phantom() - 2000, RescaleSlope="0.5", RescaleIntercept="-17")
        scan.signed, scan.bits = True, (16, 16)
        self.compare_written(scan, ImplicitVRLittleEndian)

    def test_big_endian(self):
        self.compare_written(Scan(phantom()), ExplicitVRBigEndian)

    def test_run_length_encoding(self):
        self.compare_written(Scan(phantom()), RLELossless)

    def test_bytes(self):
        scan = Scan(phantom(largest=255))
        scan.bits = (8, 8)
        self.compare_written(scan)

    def test_deflated(self):
        # dcm2niix does not read it: it gets the same slices as they are.
        scan = Scan(phantom())
        paths = self.write(scan, DeflatedExplicitVRLittleEndian)
        ours, _ = self.imported()
        for number, path in enumerate(paths):
            save(scan.slice(number), path, ExplicitVRLittleEndian)
        theirs, _ = self.converted()
        ours, theirs = map(nibabel.as_closest_canonical, (ours, theirs))
        np.testing.assert_array_equal(ours.get_fdata(), theirs.get_fdata())

    def test_small_samples_that_are_bright(self):
        # dcm2niix keeps the samples: here bright is bright.
        self.write(Scan(phantom(), PhotometricInterpretation="MONOCHROME1"))
        images = map(nibabel.as_closest_canonical, (self.imported()[0], self.converted()[0]))
        ours, theirs = [image.get_fdata() for image in images]
        np.testing.assert_array_equal(ours, 4095 - theirs)

    def test_lossless_jpeg(self):
        for path in self.write(Scan(phantom())):
            recompress(path, gdcm.TransferSyntax.JPEGLosslessProcess14_1)
        self.compare()

    def test_lossless_jpeg_of_16_bits(self):
        scan = Scan(phantom(largest=60000))
        scan.bits = (16, 16)
        for path in self.write(scan):
            recompress(path, gdcm.TransferSyntax.JPEGLosslessProcess14_1)
        self.compare()

    def test_baseline_jpeg(self):
        scan = Scan(phantom(largest=255))
        scan.bits = (8, 8)
        for path in self.write(scan):
            recompress(path, gdcm.TransferSyntax.JPEGBaselineProcess1)
        # Decoders round the cosine transform differently.
        self.compare(tolerance=2)

    def test_oblique(self):
        self.compare_written(Scan(phantom(), axes=SAGITTAL @ turned(7, -12, 9).T))

    def test_the_other_way_round(self):
        axes = SAGITTAL * np.array([[1], [1], [-1]])
        self.compare_written(Scan(phantom(), axes=axes @ turned(0, 5, -20).T))

    def test_rows_from_foot_to_head(self):
        axes = SAGITTAL * np.array([[-1], [-1], [1]])
        self.compare_written(Scan(phantom(), axes=axes))

    def test_many_frames(self):
        save(Scan(phantom()).frames(), self.dicom / "image.dcm", ExplicitVRLittleEndian)
        self.compare()


if __name__ == "__main__":
    unittest.main()
