"""Videos as pictures: their key frames, each with a path such as `clip.mp4#t=12.5`.

A key frame is stored whole in a video, so that it is read without those before it.
"""

import re
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

from zcalc.formats import VIDEO

MOST = 200  # key frames of a video that are indexed, evenly spread over it
APART = 2.0  # seconds between them, at least
_MEMBER = re.compile(r"(.+)#t=([0-9]+(?:\.[0-9]+)?)\Z", re.S)


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its name."""
    return is_video_suffix(path.suffix)


def is_video_suffix(suffix: str) -> bool:
    """Whether a suffix is that of videos."""
    return suffix.lower() in VIDEO.suffixes


def split_time(path: str) -> tuple[str, float | None]:
    """A path as that of a video and the time in it in seconds; None for no time.

    >>> split_time("trip/clip.mp4#t=12.5"), split_time("a#t=1.jpg")
    (('trip/clip.mp4', 12.5), ('a#t=1.jpg', None))
    """
    if "#t=" not in path:
        return path, None
    match = _MEMBER.match(path)
    if match and is_video(Path(match[1])):
        return match[1], float(match[2])
    return path, None


def frame_path(video: str, seconds: float) -> str:
    """The path of a key frame.

    >>> frame_path("clip.mp4", 12.5), frame_path("clip.mp4", 3.0)
    ('clip.mp4#t=12.5', 'clip.mp4#t=3')
    """
    return f"{video}#t={round(seconds, 3):g}" if seconds < 1000 else f"{video}#t={seconds:.2f}"


def key_frames(video: Path) -> list[float]:
    """The times of a video's key frames in seconds; at most `MOST`, and `APART` from each other.

    Raises OSError if it is damaged or not a video, ZcalcError if the package for videos is missing.
    """
    VIDEO.require()
    import av

    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            base = stream.time_base or Fraction(1, 1)
            times = sorted(
                float(packet.pts * base)
                for packet in container.demux(stream)
                if packet.is_keyframe and packet.pts is not None
            )
    except (av.FFmpegError, IndexError) as error:
        raise OSError(f"not a video that FFmpeg reads: {error}") from error
    spaced: list[float] = []
    for seconds in times:
        if not spaced or seconds - spaced[-1] >= APART:
            spaced.append(max(0.0, seconds))
    step = max(1, -(-len(spaced) // MOST))
    return spaced[::step]


def read_frame(video: Path, seconds: float) -> bytes:
    """The frame of a video at a time, as an upright PNG; raises as `key_frames` does."""
    VIDEO.require()
    import av

    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            base = stream.time_base or Fraction(1, 1)
            container.seek(int(seconds / base), stream=stream)
            for frame in container.decode(stream):
                if frame.time is None or frame.time >= seconds - 0.02:
                    return _png(frame)
    except (av.FFmpegError, IndexError) as error:
        raise OSError(f"not a video that FFmpeg reads: {error}") from error
    raise OSError(f"there is no frame at {seconds:g} s")


def _png(frame: Any) -> bytes:
    out = BytesIO()
    picture = frame.to_image()
    turn = getattr(frame, "rotation", 0)
    picture = picture.rotate(turn, expand=True) if turn else picture
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()
