import { jsonNode, type JsonMember } from '../../arc-config/json/json-node.js';
import type { Files } from '../../ports/files.js';

const FOLDER = 'node_modules/arctun/schema';
const FILE = 'arc.schema.json';

/** Returns the `$schema` member if the folder of `path` contains arctun's npm package. */
export async function localSchema(files: Files, path: string): Promise<readonly JsonMember[]> {
  const folder = files.absolute(path).replace(/[^/\\]*$/, FOLDER);
  const names = await files.list(folder).catch((): string[] => []);
  return names.includes(FILE) ? [{ key: '$schema', value: jsonNode(`./${FOLDER}/${FILE}`) }] : [];
}
