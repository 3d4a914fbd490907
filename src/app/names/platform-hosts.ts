import type { HostNames } from '../../proxy/dns/host-names.js';

/**
 * The documented, fixed addresses of SORACOM's services inside the tunnel. They are used only if no
 * name server of the tunnel answers.
 */
export const PLATFORM_HOSTS: HostNames = new Map([
  ['uni.soracom.io', ['100.127.69.42']],
  ['unified.soracom.io', ['100.127.69.42']],
  ['beam.soracom.io', ['100.127.127.100']],
  ['funnel.soracom.io', ['100.127.65.43']],
  ['harvest.soracom.io', ['100.127.111.111']],
  ['metadata.soracom.io', ['100.127.100.127']],
  ['pong.soracom.io', ['100.127.100.127']],
  ['ntp.soracom.io', ['100.127.0.123']],
]);
