import { grouped } from './flag.js';

/** The flag that disables the renewal of an expired session. */
export const renewalFlag = grouped('SORACOM API', {
  'no-renew': {
    type: 'boolean',
    description:
      'Do not request a new session from the SORACOM API if the Arc server stops answering.',
    env: 'ARCTUN_NO_RENEW',
  },
});
