//! The elements that are read: all others are skipped.

/// Group and number of an element, such as `0028_0010`.
pub(super) type Tag = u32;

/// Two letters for the kind of a value (value representation), such as `US`.
pub(super) type Kind = [u8; 2];

macro_rules! tags {
    ($($name:ident = $tag:literal $kind:literal;)*) => {
        $(pub(super) const $name: Tag = $tag;)*

        /// The kind of value of an element that is read, by the standard.
        pub(super) fn kind_of(tag: Tag) -> Option<Kind> {
            match tag {
                $($tag => Some(*$kind),)*
                _ => None,
            }
        }
    };
}

tags! {
    IMAGE_TYPE = 0x0008_0008 b"CS";
    SOP_INSTANCE_UID = 0x0008_0018 b"UI";
    STUDY_DATE = 0x0008_0020 b"DA";
    STUDY_TIME = 0x0008_0030 b"TM";
    ACQUISITION_TIME = 0x0008_0032 b"TM";
    MODALITY = 0x0008_0060 b"CS";
    MANUFACTURER = 0x0008_0070 b"LO";
    SERIES_DESCRIPTION = 0x0008_103e b"LO";
    MANUFACTURER_MODEL_NAME = 0x0008_1090 b"LO";
    FRAME_TYPE = 0x0008_9007 b"CS";
    PATIENT_NAME = 0x0010_0010 b"PN";
    PATIENT_ID = 0x0010_0020 b"LO";
    PATIENT_BIRTH_DATE = 0x0010_0030 b"DA";
    SCANNING_SEQUENCE = 0x0018_0020 b"CS";
    SEQUENCE_VARIANT = 0x0018_0021 b"CS";
    MR_ACQUISITION_TYPE = 0x0018_0023 b"CS";
    SLICE_THICKNESS = 0x0018_0050 b"DS";
    REPETITION_TIME = 0x0018_0080 b"DS";
    ECHO_TIME = 0x0018_0081 b"DS";
    INVERSION_TIME = 0x0018_0082 b"DS";
    ECHO_NUMBERS = 0x0018_0086 b"IS";
    MAGNETIC_FIELD_STRENGTH = 0x0018_0087 b"DS";
    SPACING_BETWEEN_SLICES = 0x0018_0088 b"DS";
    PROTOCOL_NAME = 0x0018_1030 b"LO";
    TRIGGER_TIME = 0x0018_1060 b"DS";
    FLIP_ANGLE = 0x0018_1314 b"DS";
    // How images of several frames say the same.
    ECHO_PULSE_SEQUENCE = 0x0018_9008 b"CS";
    INVERSION_RECOVERY = 0x0018_9009 b"CS";
    ECHO_PLANAR_PULSE_SEQUENCE = 0x0018_9018 b"CS";
    INVERSION_TIMES = 0x0018_9079 b"FD";
    EFFECTIVE_ECHO_TIME = 0x0018_9082 b"FD";
    STUDY_INSTANCE_UID = 0x0020_000d b"UI";
    SERIES_INSTANCE_UID = 0x0020_000e b"UI";
    SERIES_NUMBER = 0x0020_0011 b"IS";
    ACQUISITION_NUMBER = 0x0020_0012 b"IS";
    IMAGE_POSITION_PATIENT = 0x0020_0032 b"DS";
    IMAGE_ORIENTATION_PATIENT = 0x0020_0037 b"DS";
    TEMPORAL_POSITION_IDENTIFIER = 0x0020_0100 b"IS";
    SAMPLES_PER_PIXEL = 0x0028_0002 b"US";
    PHOTOMETRIC_INTERPRETATION = 0x0028_0004 b"CS";
    NUMBER_OF_FRAMES = 0x0028_0008 b"IS";
    ROWS = 0x0028_0010 b"US";
    COLUMNS = 0x0028_0011 b"US";
    PIXEL_SPACING = 0x0028_0030 b"DS";
    BITS_ALLOCATED = 0x0028_0100 b"US";
    BITS_STORED = 0x0028_0101 b"US";
    HIGH_BIT = 0x0028_0102 b"US";
    PIXEL_REPRESENTATION = 0x0028_0103 b"US";
    // US or SS, as the samples.
    PIXEL_PADDING_VALUE = 0x0028_0120 b"US";
    PIXEL_PADDING_RANGE_LIMIT = 0x0028_0121 b"US";
    RESCALE_INTERCEPT = 0x0028_1052 b"DS";
    RESCALE_SLOPE = 0x0028_1053 b"DS";
    SHARED_FUNCTIONAL_GROUPS = 0x5200_9229 b"SQ";
    PER_FRAME_FUNCTIONAL_GROUPS = 0x5200_9230 b"SQ";
    FLOAT_PIXELS = 0x7fe0_0008 b"OF";
    DOUBLE_PIXELS = 0x7fe0_0009 b"OD";
    PIXELS = 0x7fe0_0010 b"OW";
}

/// An item of a sequence, the end of an item and the end of a sequence.
pub(super) const ITEM: Tag = 0xfffe_e000;
pub(super) const ITEM_END: Tag = 0xfffe_e00d;
pub(super) const SEQUENCE_END: Tag = 0xfffe_e0dd;

/// An element as documents write it: (gggg,eeee).
pub(super) fn shown(tag: Tag) -> String {
    format!("({:04x},{:04x})", tag >> 16, tag & 0xffff)
}
