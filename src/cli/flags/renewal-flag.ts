import { grouped } from './flag.js';

/** The flag that disables the renewal of an expired session. */
export const renewalFlag = grouped('SORACOM API', {
  'no-renew': {
    type: 'boolean',
    description:
      'Do not ask the SORACOM API for a new session when the Arc server stops answering.',
    env: 'ARCTUN_NO_RENEW',
  },
});
