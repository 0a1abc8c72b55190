"""Which presentation contexts are offered for images: at most 128 an association (PS3.8 9.3.2.2)."""

from collections.abc import Iterable

from pydicom import uid
from pynetdicom import build_context, build_role
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

PLAIN: list[str | uid.UID] = [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian]
# Neither Deflated (a few kilobytes can unpack to gigabytes) nor Big Endian (retired): never from the network.
COMPRESSED: list[str | uid.UID] = [
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.HTJ2KLossless,
    uid.HTJ2K,
    uid.JPEGLosslessSV1,
    uid.JPEGLossless,
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLSNearLossless,
    uid.RLELossless,
]

_OTHERS = [  # objects without pixels: compressed syntaxes make some archives fail
    uid.BasicTextSRStorage,
    uid.EnhancedSRStorage,
    uid.ComprehensiveSRStorage,
    uid.Comprehensive3DSRStorage,
    uid.MammographyCADSRStorage,
    uid.ChestCADSRStorage,
    uid.XRayRadiationDoseSRStorage,
    uid.KeyObjectSelectionDocumentStorage,
    uid.GrayscaleSoftcopyPresentationStateStorage,
    uid.ColorSoftcopyPresentationStateStorage,
    uid.EncapsulatedPDFStorage,
    uid.TwelveLeadECGWaveformStorage,
    uid.GeneralECGWaveformStorage,
    uid.RTStructureSetStorage,
    uid.RTPlanStorage,
    uid.SpatialRegistrationStorage,
    uid.RawDataStorage,
]
_IMAGES = [
    uid.CTImageStorage,
    uid.EnhancedCTImageStorage,
    uid.MRImageStorage,
    uid.EnhancedMRImageStorage,
    uid.EnhancedMRColorImageStorage,
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.DigitalXRayImageStorageForProcessing,
    uid.DigitalMammographyXRayImageStorageForPresentation,
    uid.DigitalMammographyXRayImageStorageForProcessing,
    uid.DigitalIntraOralXRayImageStorageForPresentation,
    uid.BreastTomosynthesisImageStorage,
    uid.UltrasoundImageStorage,
    uid.UltrasoundMultiFrameImageStorage,
    uid.XRayAngiographicImageStorage,
    uid.EnhancedXAImageStorage,
    uid.XRayRadiofluoroscopicImageStorage,
    uid.EnhancedXRFImageStorage,
    uid.NuclearMedicineImageStorage,
    uid.PositronEmissionTomographyImageStorage,
    uid.EnhancedPETImageStorage,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
    uid.VLEndoscopicImageStorage,
    uid.VLMicroscopicImageStorage,
    uid.VLPhotographicImageStorage,
    uid.VLWholeSlideMicroscopyImageStorage,
    uid.OphthalmicPhotography8BitImageStorage,
    uid.OphthalmicTomographyImageStorage,
    uid.XRay3DAngiographicImageStorage,
    uid.RTImageStorage,
    uid.RTDoseStorage,
    uid.SegmentationStorage,
]
_ROOM = 127  # of 128, one is for C-GET itself


def valid(classes: Iterable[str]) -> list[str]:
    """Those that can be offered, each once."""
    return list(dict.fromkeys(c for c in classes if uid.UID(c).is_valid))


def for_storage(
    classes: Iterable[str],
) -> tuple[list[PresentationContext], list[SCP_SCU_RoleSelectionNegotiation]]:
    """Contexts and roles with which images may be sent to us in the association we opened (PS3.7 D.3.3.4)."""
    known = valid(classes) or [*_IMAGES, *_OTHERS]
    separate = len(known) * (len(COMPRESSED) + 1) <= _ROOM
    offered = [context for c in known for context in _contexts(c, separate=separate)][:_ROOM]
    accepting = dict.fromkeys(str(context.abstract_syntax) for context in offered)
    return offered, [build_role(c, scp_role=True) for c in accepting]


def _contexts(sop_class: str, *, separate: bool) -> list[PresentationContext]:
    """One context a syntax where there is room: an archive sends in the one that fits its file.

    In a context of several syntaxes the archive settles on one for the whole association, and has to
    convert, or fail, for every file that is stored in another. Plain comes first: some archives (DCMTK's)
    send everything in the first context of the class, and can rather decompress than compress.
    """
    if sop_class in _OTHERS:
        return [build_context(sop_class, PLAIN)]
    compressed = (
        [build_context(sop_class, s) for s in COMPRESSED]
        if separate
        else [build_context(sop_class, COMPRESSED)]
    )
    return [build_context(sop_class, PLAIN), *compressed]
