#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mkvmerge 74.0.0 (Debian 12) on sound as FFmpeg writes it, each time with exit code 0 and without a warning:
# 1. PCM in .mp4 (sample entry ipcm, ISO/IEC 23003-5) becomes a track A_QUICKTIME in Matroska, which FFmpeg has no
#    decoder for: the sound is lost to players. Of a plain file each sample is a block of its own, 48,000 a second. The
#    same PCM in .mov becomes A_PCM/INT/LIT and plays.
# 2. Opus in MPEG-TS is left out: the file has no sound.
# AAC goes through from both.
#
# Seen, sound of the file as FFmpeg's demuxer finds it, for 2 s of 48,000 Hz:
#     clip.mp4 pcm_s16le: no decoder, 96000 blocks    clip.mov pcm_s16le: pcm_s16le     clip.ts opus: none
#     clip.mp4 aac: aac                               clip.ts aac: aac
# Exits 0 while that is so. Needs Debian 12 on amd64, Python 3.11 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

while read -r package version; do
	apt-get download -qq -o APT::Sandbox::User=root "$package=$version"
done <<'PACKAGES'
mkvtoolnix 74.0.0-1+deb12u1
libboost-filesystem1.74.0 1.74.0+ds1-21
libdvdread8 6.1.3-1
libebml5 1.4.4-1+deb12u1
libflac12 1.4.2+ds-2
libfmt9 9.1.0+ds1-2
libmatroska7 1.7.1-1
libogg0 1.3.5-3
libpugixml1v5 1.13-0.2
libqt5core5a 5.15.8+dfsg-11+deb12u3
libdouble-conversion3 3.2.1-1
libicu72 72.1-3+deb12u1
libpcre2-16-0 10.42-1+deb12u2
libglib2.0-0 2.74.6-2+deb12u9
libvorbis0a 1.3.7-1
PACKAGES
for package in *.deb; do dpkg -x "$package" root; done

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
cat >look.py <<'PYTHON'
import sys
from fractions import Fraction

import av

RATE, SECONDS = 48000, 2


def write(path: str, codec: str) -> None:
    with av.open(path, "w") as out:
        video, audio = out.add_stream("libx264", rate=25), out.add_stream(codec, rate=RATE, layout="mono")
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        packets = []
        for number in range(SECONDS * 25):
            picture = av.VideoFrame(64, 48, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([number]) * plane.buffer_size)
            picture.pts, picture.time_base = number, Fraction(1, 25)
            packets += video.encode(picture)
        samples = audio.codec_context.frame_size or 960
        for number in range(SECONDS * RATE // samples):
            sound = av.AudioFrame(audio.codec_context.format.name, "mono", samples)
            sound.planes[0].update(bytes(sound.planes[0].buffer_size))
            sound.sample_rate, sound.time_base, sound.pts = RATE, Fraction(1, RATE), number * samples
            packets += audio.encode(sound)
        packets += [*video.encode(None), *audio.encode(None)]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)


def sound_of(path: str) -> str:
    with av.open(path) as opened:
        for stream in opened.streams:
            if stream.type == "audio":
                blocks = sum(packet.size > 0 for packet in opened.demux(stream))
                name = stream.codec_context.name if stream.codec_context else "no decoder"
                return f"{name}, many blocks" if blocks > SECONDS * 1000 else name
    return "none"


if len(sys.argv) == 3:
    write(*sys.argv[1:])
else:
    print(sound_of(sys.argv[1]))
PYTHON

libraries=$folder/root/usr/lib/x86_64-linux-gnu
bad=0
while read -r clip codec expected; do
	venv/bin/python look.py "$clip" "$codec"
	said=$(LC_ALL=C.UTF-8 LD_LIBRARY_PATH=$libraries root/usr/bin/mkvmerge -o clip.mkv "$clip") || bad=1
	warnings=$(grep -ci warning <<<"$said") || true
	seen=$(venv/bin/python look.py clip.mkv)
	echo "$clip with $codec: sound in clip.mkv: $seen; warnings: $warnings"
	if [ "$seen" != "$expected" ] || [ "$warnings" != 0 ]; then bad=1; fi
done <<'CLIPS'
clip.mp4 pcm_s16le no decoder, many blocks
clip.mov pcm_s16le pcm_s16le
clip.mp4 aac aac
clip.ts aac aac
clip.ts libopus none
CLIPS
exit "$bad"
