/** Signs in with a soracom-cli profile, using soracom-cli's files and precedence. */
import type { CredentialEnvironment } from '../../lib/secrets/credential-variables.js';
import { pathFault } from '../../lib/errors/path-fault.js';
import { PrivateFileError } from '../../ports/private-files.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { Coverage } from '../../soracom/auth/coverage.js';
import {
  parseSoracomProfile,
  ProfileError,
  profileSignIn,
  profileSwitchUser,
  type SoracomProfile,
} from '../../soracom/auth/profile.js';
import type { SignIn } from '../../soracom/auth/sign-in.js';
import { privateFileFailed } from './private-text.js';
import { runProfileCommand } from './profile-command.js';
import type { CommandRunner } from '../../ports/command-runner.js';
import type { PrivateFiles } from '../../ports/private-files.js';

export interface ProfileCredentials {
  readonly signIn: SignIn;
  readonly headers: Readonly<Record<string, string>>;
  readonly connection: ProfileConnection;
}

/** The API endpoint settings of a profile's account. */
export interface ProfileConnection {
  readonly endpoint: string | undefined;
  readonly coverage: Coverage;
  readonly sandbox: boolean;
}

/**
 * The profile that soracom-cli uses by default. arctun suggests this profile, but never chooses it
 * automatically.
 */
export const DEFAULT_PROFILE = 'default';

/** A profile and where it was found, for messages. */
interface FoundProfile {
  readonly profile: SoracomProfile;
  readonly place: string;
}

/**
 * Resolves a profile to credentials: from its `profileCommand`, otherwise from its `sourceProfile`,
 * otherwise from its own fields. The profile's endpoint and headers override those that the command
 * returns.
 *
 * @param signal stops a running `profileCommand`; the promise rejects with the abort reason
 * @throws UserError
 */
export async function profileCredentials(
  name: string,
  ports: CredentialPorts,
  signal?: AbortSignal,
): Promise<ProfileCredentials> {
  const file = await readProfile(name, ports);
  const found = await runCommandOf(file, ports, signal);
  const signIn =
    found.profile.sourceProfile === undefined
      ? using(found, profileSignIn)
      : await switchedSignIn(found, found.profile.sourceProfile, ports, signal);
  return {
    signIn,
    headers: { ...found.profile.headers, ...file.profile.headers },
    connection: {
      endpoint: file.profile.endpoint ?? found.profile.endpoint,
      // Profiles that are older than Global coverage do not have a coverage type.
      coverage: file.profile.coverageType ?? found.profile.coverageType ?? 'jp',
      sandbox: file.profile.sandbox || found.profile.sandbox,
    },
  };
}

/** Whether the profile that soracom-cli uses by default exists. */
export async function hasDefaultProfile(ports: CredentialPorts): Promise<boolean> {
  const path = profilePath(DEFAULT_PROFILE, ports);
  return ports.privateFiles.readText(path).then(
    () => true,
    (error: unknown) => error instanceof PrivateFileError && error.failure !== 'absent',
  );
}

async function switchedSignIn(
  found: FoundProfile,
  sourceName: string,
  ports: CredentialPorts,
  signal?: AbortSignal,
): Promise<SignIn> {
  const switchUser = using(found, profileSwitchUser);
  const source = await runCommandOf(await readProfile(sourceName, ports), ports, signal);
  if (source.profile.sourceProfile !== undefined) {
    throw unusable(source, 'a sourceProfile cannot have its own sourceProfile');
  }
  return { ...using(source, profileSignIn), switchUser };
}

/** Returns the output of the profile's command, or the profile itself if it has no command. */
async function runCommandOf(
  file: FoundProfile,
  ports: CredentialPorts,
  signal?: AbortSignal,
): Promise<FoundProfile> {
  const { profileCommand } = file.profile;
  if (profileCommand === undefined) return file;
  const output = await runProfileCommand(profileCommand, file.place, ports.commands, signal);
  const place = `the output of profileCommand in ${file.place}`;
  const found = { profile: explained(place, () => parseSoracomProfile(output)), place };
  if (found.profile.profileCommand !== undefined) {
    throw unusable(found, 'the output of a profileCommand cannot contain a profileCommand');
  }
  return found;
}

async function readProfile(name: string, ports: CredentialPorts): Promise<FoundProfile> {
  const fault = pathFault(name);
  if (fault !== undefined && fault !== 'several-lines') {
    throw new UserError('configuration', {
      what: 'cannot use a soracom-cli profile',
      why: 'the given name looks like a key or a configuration',
      next: ['Pass the name of a profile. To pass a key, use --auth-key-file.'],
    });
  }
  const paths = fileNames(name).map((fileName) => profilePath(fileName, ports));
  for (const path of paths) {
    const text = await readIfPresent(path, ports);
    if (text !== undefined) {
      const place = `the profile ${path}`;
      return { profile: explained(place, () => parseSoracomProfile(text)), place };
    }
  }
  throw new UserError('configuration', {
    what: `cannot use profile ${JSON.stringify(name)}`,
    why:
      paths.length === 0
        ? 'the name cannot be used as a file name'
        : `not found: ${paths.join(', ')}`,
    next: ['Choose an existing profile, or create one with `soracom configure --profile NAME`.'],
  });
}

/**
 * Returns the possible file names for a profile: soracom-cli's form, which replaces separators with
 * "-", and the exact name, for files created by hand. No name can refer to a file outside the
 * folder.
 */
function fileNames(name: string): string[] {
  const written = name.trim();
  const names = [];
  if (/^[-0-9A-Za-z./ &_=+:]+$/.test(written)) {
    names.push(written.replace(/[./ &_=+:]/g, '-').replace(/-+/g, '-'));
  }
  if (/^[^.\\/\p{Cc}][^\\/\p{Cc}]*$/u.test(written) && !names.includes(written)) {
    names.push(written);
  }
  return names;
}

function profilePath(fileName: string, { env: all, homeFolder }: CredentialPorts): string {
  const env: CredentialEnvironment = all;
  const folder = env.SORACOM_PROFILE_DIR || `${homeFolder}/.soracom`;
  return `${folder}/${fileName}.json`;
}

async function readIfPresent(path: string, ports: CredentialPorts): Promise<string | undefined> {
  try {
    return await ports.privateFiles.readText(path);
  } catch (error) {
    if (!(error instanceof PrivateFileError)) throw error;
    if (error.failure === 'absent') return undefined;
    throw privateFileFailed(path, 'cannot use a soracom-cli profile', error);
  }
}

function using<T>({ profile, place }: FoundProfile, use: (profile: SoracomProfile) => T): T {
  return explained(place, () => use(profile));
}

function explained<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProfileError) throw unusable({ place }, error.message);
    throw error;
  }
}

function unusable({ place }: Pick<FoundProfile, 'place'>, why: string): UserError {
  return new UserError('configuration', {
    what: `cannot use ${place}`,
    why,
    next: ['Correct the profile, or choose another one with --profile.'],
  });
}

/** The dependencies for finding credentials. */
export interface CredentialPorts {
  /** The environment variables of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, which contains `.soracom`. */
  readonly homeFolder: string;
  readonly privateFiles: PrivateFiles;
  readonly commands: CommandRunner;
}
