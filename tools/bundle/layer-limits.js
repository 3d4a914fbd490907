/**
 * Size limits in bytes of the published files. Lambda accepts 50 MB of zip directly, and 250 MB
 * unzipped for a function and all its layers.
 */
export const LIMITS = {
  'arctun-lambda-x86_64.zip': 45e6,
  'arctun-lambda-arm64.zip': 45e6,
  'arctun-lambda-nodejs.zip': 2e6,
  'arctun-linux-x64': 120e6,
  'arctun-linux-arm64': 120e6,
};
