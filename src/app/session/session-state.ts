/**
 * Saves a renewed session in the state folder if arc.json is read-only, such as a systemd
 * credential, a Kubernetes secret or an environment variable. The state file also records the
 * session that the new one replaces. The state file is newer if arc.json still has that session;
 * otherwise arc.json was renewed later. This comparison does not need a clock.
 */
import * as z from 'zod/mini';
import { parseJson } from '../../lib/text/parse-json.js';
import type { ArcConfig, ArcSession } from '../../arc-config/arc-config.js';
import type { Files, OtherWriter } from '../../ports/files.js';
import { parseArcSession } from '../../arc-config/parse-arc-config.js';
import { formatKey } from '../../arc-config/value-syntax.js';

const sessionModel = z.object({
  arcServerPeerPublicKey: z.string(),
  arcServerEndpoint: z.string(),
  arcAllowedIPs: z.array(z.string()),
  arcClientPeerIpAddress: z.string(),
});
type SessionText = z.infer<typeof sessionModel>;

const stateFile = z.object({
  simId: z.string(),
  /** The session in arc.json; null if arc.json had no session. */
  replaces: z.nullable(sessionModel),
  arcSessionStatus: sessionModel,
});

export interface StateHome {
  readonly files: Files;
  readonly stateFolder: string;
}

/** Returns the path of a SIM's session file outside arc.json. */
export function sessionStatePath(simId: string, { files, stateFolder }: StateHome): string {
  // Replace special characters, because a SIM ID from a file becomes part of a file name.
  return files.absolute(`${stateFolder}/session-${simId.replaceAll(/[^0-9A-Za-z]/g, '_')}.json`);
}

/**
 * Saves a renewed session in the state folder.
 *
 * @param original the content of arc.json, without any newer session from the state folder
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
 * Updates the state file after arc.json gets the newest session. SORACOM may return a session that
 * was in arc.json before. Then arc.json contains the session that the state file replaces, and an
 * outdated state file would override arc.json.
 *
 * @param written the new content of arc.json
 */
export async function settleSessionState(written: ArcConfig, home: StateHome): Promise<void> {
  const { arcSessionStatus: session } = written;
  if (session === undefined) return;
  const path = sessionStatePath(written.simId, home);
  try {
    await home.files.readText(path);
    await home.files.replaceText(path, stateText(written, session));
  } catch {
    // Ignore the error. Usually no file exists, and a file that cannot be written is not from an
    // earlier run.
  }
}

function stateText(original: ArcConfig, session: ArcSession): string {
  const { simId, arcSessionStatus: old } = original;
  const state: z.infer<typeof stateFile> = {
    simId,
    replaces: old === undefined ? null : sessionText(old),
    arcSessionStatus: sessionText(session),
  };
  return `${JSON.stringify(state, undefined, 2)}\n`;
}

/**
 * Returns arc.json's content, with the session from the state folder if that session is newer.
 * Ignores an unreadable or invalid state file, because arc.json works without it.
 */
export async function withNewestSession(original: ArcConfig, home: StateHome): Promise<ArcConfig> {
  if (original.simId === '') return original;
  const path = sessionStatePath(original.simId, home);
  const text = await readOwn(path, home);
  const state = text === undefined ? undefined : stateFile.safeParse(parseJson(text)).data;
  if (state?.simId !== original.simId) return original;
  const { arcSessionStatus: old } = original;
  const held = old === undefined ? null : sessionText(old);
  if (JSON.stringify(held) !== JSON.stringify(state.replaces)) return original;
  const session = parseSession(state.arcSessionStatus);
  if (session === undefined) return original;
  return { ...original, arcSessionStatus: { ...session, unknownKeys: old?.unknownKeys ?? [] } };
}

/** Reads the state file if only this user can write it; other users could redirect the tunnel. */
async function readOwn(path: string, { files }: StateHome): Promise<string | undefined> {
  try {
    const { text, otherWriters } = await files.inspectText(path);
    return otherWriters.some(isForeign) ? undefined : text;
  } catch {
    return undefined;
  }
}

/**
 * True if another user owns the file, or if any user could have created it. A parent folder may
 * have another owner or group, because it may be a container volume or belong to the user's private
 * group.
 */
function isForeign(writer: OtherWriter): boolean {
  if (writer.fault === 'replaced' || !writer.isFolder) return true;
  return writer.fault === 'mode' && (writer.mode & OTHERS_WRITE) !== 0;
}

const OTHERS_WRITE = 0o002;

/** Whether two sessions are equal, except for unknown keys. */
export function isSameSession(one: ArcSession | undefined, other: ArcSession | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return JSON.stringify(sessionText(one)) === JSON.stringify(sessionText(other));
}

/** Returns a session with SORACOM's member names and values. */
export function sessionText(session: ArcSession): SessionText {
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
