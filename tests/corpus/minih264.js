// SPDX-License-Identifier: Apache-2.0
// minih264, as the npm package h264-mp4-encoder has it.
//     node minih264.js IN.yuv OUT.mp4 WIDTH HEIGHT [NAME=VALUE...]     the names are those of that package
const { createRequire } = require("module");
const fs = require("fs");
const path = require("path");

const [input, output, width, height, ...options] = process.argv.slice(2);
const here = createRequire(path.join(process.cwd(), "here.js")); // installed where this is started
here("h264-mp4-encoder").createH264MP4Encoder().then((encoder) => {
  Object.assign(encoder, { width: +width, height: +height, frameRate: 25 });
  for (const [name, value] of options.map((option) => option.split("="))) encoder[name] = +value;
  encoder.initialize();
  const pictures = fs.readFileSync(input);
  const size = (width * height * 3) / 2;
  for (let at = 0; at + size <= pictures.length; at += size) encoder.addFrameYuv(pictures.subarray(at, at + size));
  encoder.finalize();
  fs.writeFileSync(output, encoder.FS.readFile(encoder.outputFilename));
});
