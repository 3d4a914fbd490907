import {
  VIRTIO_NET_GSO_TCPV6,
  VIRTIO_NET_NEEDS_CHECKSUM,
  virtioChecksumOffset,
  virtioChecksumStart,
  virtioFlags,
  virtioSegmentation,
  virtioSegmentSize,
  writeVirtioNetHeader,
} from '../../src/wire/virtio-net.js';

it('writes and reads a header in the order of struct virtio_net_hdr, little-endian', () => {
  const bytes = new Uint8Array(13);
  writeVirtioNetHeader(bytes, 3, {
    flags: VIRTIO_NET_NEEDS_CHECKSUM,
    segmentation: VIRTIO_NET_GSO_TCPV6,
    headersLength: 0x0148,
    segmentSize: 0x0578,
    checksumStart: 0x0128,
    checksumOffset: 0x0110,
  });
  expect([...bytes]).toEqual([0, 0, 0, 1, 4, 0x48, 1, 0x78, 5, 0x28, 1, 0x10, 1]);
  expect(virtioFlags(bytes, 3)).toBe(1);
  expect(virtioSegmentation(bytes, 3)).toBe(4);
  expect(virtioSegmentSize(bytes, 3)).toBe(0x0578);
  expect(virtioChecksumStart(bytes, 3)).toBe(0x0128);
  expect(virtioChecksumOffset(bytes, 3)).toBe(0x0110);
});
