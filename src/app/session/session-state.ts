/**
 * A renewed session outside of arc.json, for where that cannot be written: a systemd credential, a
 * Kubernetes secret, text in the environment. It stands in the state folder together with the
 * session that it replaces. While arc.json still holds that one, the state is the newer of the two;
 * when arc.json holds another, somebody has renewed it there since. No clock is asked.
 */
import * as z from 'zod/mini';
import { parseJson } from '../../lib/text/parse-json.js';
import type { ArcConfig, ArcSession } from '../../arc-config/arc-config.js';
import type { Files, OtherWriter } from '../../ports/files.js';
import { parseArcSession } from '../../arc-config/parse-arc-config.js';
import { formatKey } from '../../arc-config/value-syntax.js';

const sessionText = z.object({
  arcServerPeerPublicKey: z.string(),
  arcServerEndpoint: z.string(),
  arcAllowedIPs: z.array(z.string()),
  arcClientPeerIpAddress: z.string(),
});
type SessionText = z.infer<typeof sessionText>;

const stateFile = z.object({
  simId: z.string(),
  /** The session that arc.json held; null when it held none. */
  replaces: z.nullable(sessionText),
  arcSessionStatus: sessionText,
});

export interface StateHome {
  readonly files: Files;
  readonly stateFolder: string;
}

/** Where the session of a SIM stands outside of its arc.json. */
export function sessionStatePath(simId: string, { files, stateFolder }: StateHome): string {
  // The id comes from a file and goes into a file name.
  return files.absolute(`${stateFolder}/session-${simId.replaceAll(/[^0-9A-Za-z]/g, '_')}.json`);
}

/**
 * Keeps a renewed session in the state folder.
 *
 * @param original what arc.json itself holds
 * @returns the path of the file
 * @throws FileError
 */
export async function keepSessionState(
  original: ArcConfig,
  session: ArcSession,
  home: StateHome,
): Promise<string> {
  const path = sessionStatePath(original.simId, home);
  await home.files.createFolder(home.stateFolder);
  await home.files.replaceText(path, stateText(original, session));
  return path;
}

/**
 * To be called when arc.json holds the newest session again. The platform may give the same session
 * twice: a state that was left from before would win over arc.json as soon as it held, once more,
 * the session which that state replaced.
 *
 * @param written what arc.json holds now
 */
export async function settleSessionState(written: ArcConfig, home: StateHome): Promise<void> {
  const { arcSessionStatus: session } = written;
  if (session === undefined) return;
  const path = sessionStatePath(written.simId, home);
  try {
    await home.files.readText(path);
    await home.files.replaceText(path, stateText(written, session));
  } catch {
    // Usually there is none. One that cannot be written could not be left behind either.
  }
}

function stateText(original: ArcConfig, session: ArcSession): string {
  const { simId, arcSessionStatus: old } = original;
  const state: z.infer<typeof stateFile> = {
    simId,
    replaces: old === undefined ? null : textOf(old),
    arcSessionStatus: textOf(session),
  };
  return `${JSON.stringify(state, undefined, 2)}\n`;
}

/**
 * What arc.json holds, with the session of the state folder where that is newer. A state file that
 * cannot be read or understood counts as none: arc.json works without it.
 */
export async function withNewestSession(original: ArcConfig, home: StateHome): Promise<ArcConfig> {
  if (original.simId === '') return original;
  const path = sessionStatePath(original.simId, home);
  const text = await readOwn(path, home);
  const state = text === undefined ? undefined : stateFile.safeParse(parseJson(text)).data;
  if (state?.simId !== original.simId) return original;
  const { arcSessionStatus: old } = original;
  const held = old === undefined ? null : textOf(old);
  if (JSON.stringify(held) !== JSON.stringify(state.replaces)) return original;
  const session = parseSession(state.arcSessionStatus);
  if (session === undefined) return original;
  return { ...original, arcSessionStatus: { ...session, unknownKeys: old?.unknownKeys ?? [] } };
}

/** The state that this user wrote: one that others can write could lead the tunnel to their server. */
async function readOwn(path: string, { files }: StateHome): Promise<string | undefined> {
  try {
    const { text, otherWriters } = await files.inspectText(path);
    return otherWriters.some(isForeign) ? undefined : text;
  } catch {
    return undefined;
  }
}

/**
 * A file of another user, or one that all users can put there. The owner or the group of a folder above it can be
 * another one for a good reason: a volume of a container, or a group that holds its user alone.
 */
function isForeign(writer: OtherWriter): boolean {
  if (writer.fault === 'replaced' || !writer.isFolder) return true;
  return writer.fault === 'mode' && (writer.mode & OTHERS_WRITE) !== 0;
}

const OTHERS_WRITE = 0o002;

/** Whether two sessions are written alike, but for what somebody has added to them. */
export function isSameSession(one: ArcSession | undefined, other: ArcSession | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return JSON.stringify(textOf(one)) === JSON.stringify(textOf(other));
}

function textOf(session: ArcSession): SessionText {
  return {
    arcServerPeerPublicKey: formatKey(session.arcServerPeerPublicKey),
    arcServerEndpoint: session.arcServerEndpoint?.text ?? '',
    arcAllowedIPs: [...(session.arcAllowedIps ?? [])],
    arcClientPeerIpAddress: session.arcClientPeerIpAddress ?? '',
  };
}

function parseSession(text: SessionText): ArcSession | undefined {
  try {
    return parseArcSession(JSON.stringify(text), { path: 'the state folder' });
  } catch {
    return undefined;
  }
}
