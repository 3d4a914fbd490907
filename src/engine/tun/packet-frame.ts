import {
  VIRTIO_NET_HEADER_LENGTH,
  WHOLE_PACKET,
  writeVirtioNetHeader,
} from '../../wire/virtio-net.js';

/**
 * A whole packet as a frame for a tun device, without a copy: the virtio_net_hdr is written into the
 * bytes in front of it.
 *
 * @param packet a view with 10 bytes of ours in front, such as behind a WireGuard header
 */
export function packetFrame(packet: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = packet;
  const start = byteOffset - VIRTIO_NET_HEADER_LENGTH;
  const frame = new Uint8Array(buffer, start, VIRTIO_NET_HEADER_LENGTH + length);
  writeVirtioNetHeader(frame, WHOLE_PACKET);
  return frame;
}
