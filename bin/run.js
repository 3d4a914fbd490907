#!/usr/bin/env node
import '../dist/command-line/npm.js';
