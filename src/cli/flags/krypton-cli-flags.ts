import * as Flags from './flag.js';

const number = (description: string, defaultValue: number) =>
  Flags.integer({
    description,
    helpValue: 'NUMBER',
    default: defaultValue,
    min: 0,
    max: 0xffff_ffff,
  });

/** The krypton-cli flags that soratun also has. */
export const kryptonCliFlags = {
  interface: Flags.text({
    description: 'SIM interface: iso7816, comm, mmcli or autoDetect.',
    helpValue: 'INTERFACE',
    default: 'autoDetect',
  }),
  'port-name': Flags.textOrEmpty({
    description: 'Port of the modem or reader.',
    helpValue: 'PORT',
    default: '',
  }),
  'provisioning-api-endpoint-url': Flags.textOrEmpty({
    description: "Base URL of the Provisioning API; by default, krypton-cli's own URL.",
    helpValue: 'URL',
    default: '',
  }),
  params: Flags.textOrEmpty({
    description: 'Request parameters, as JSON.',
    helpValue: 'JSON',
    default: '',
  }),
  'keys-api-endpoint-url': Flags.textOrEmpty({
    description: "URL of the Keys API; by default, krypton-cli's own URL.",
    helpValue: 'URL',
    default: '',
  }),
  'signature-algorithm': Flags.text({
    description: 'Signature algorithm.',
    helpValue: 'NAME',
    default: 'SHA-256',
  }),
  'baud-rate': number('Baud rate of the port.', 57_600),
  'data-bits': number('Number of data bits of the port.', 8),
  'stop-bits': number('Number of stop bits of the port.', 1),
  'parity-mode': number('Parity mode of the port, as a number that krypton-cli accepts.', 0),
  'disable-key-cache': Flags.boolean({ description: "Do not cache the SIM's key." }),
  'clear-key-cache': Flags.boolean({ description: "Delete the SIM's cached key." }),
  'krypton-cli-path': Flags.text({
    description: 'Path of krypton-cli.',
    helpValue: 'FILE',
    default: '/usr/local/bin/krypton-cli',
  }),
  'dump-config': Flags.boolean({
    description:
      'Print arc.json, including the private key, to standard output. Do not read or write files.',
  }),
  json: Flags.boolean({ description: 'Print the result as JSON.', exclusive: ['dump-config'] }),
};
