import { isZeroKey } from '../arc-config/arc-config.js';
import { readConfigText } from '../arc-config/config-source.js';
import type { Files } from '../arc-config/files.js';
import { checkArcConfig } from '../arc-config/parse-arc-config.js';

export interface ValidateConfigPorts {
  readonly files: Files;
  readonly publicKeyOf: (privateKey: Uint8Array) => Uint8Array;
}

/**
 * Checks that the configuration itself reads and has all that a tunnel needs.
 *
 * @returns warnings: what is wrong but keeps no tunnel from working
 * @throws ArcConfigError with every fault, UserError when the file cannot be read
 */
export async function validateConfig(
  value: string,
  { files, publicKeyOf }: ValidateConfigPorts,
): Promise<readonly string[]> {
  const { text, path } = await readConfigText(files, value);
  const { privateKey, publicKey } = checkArcConfig(text, { path });
  const own = publicKeyOf(privateKey.expose());
  if (isZeroKey(publicKey) || own.every((byte, index) => byte === publicKey[index])) return [];
  return [
    `publicKey in ${path} is not that of privateKey. The tunnel does not need it, but one of the two may be another SIM's.`,
  ];
}
