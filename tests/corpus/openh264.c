/* SPDX-License-Identifier: Apache-2.0
 * OpenH264 with its own options, of which programs that wrap it pass on few.
 *     openh264 IN.yuv OUT.h264 WIDTH HEIGHT [NAME=VALUE...]
 * temporal, spatial: layers; simulcast; prefix; slices; bytes: of a slice; ids: strategy of parameter sets; cabac;
 * ltr: long-term references; gop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wels/codec_api.h>

static int option(int argc, char **argv, const char *name, int otherwise)
{
	size_t length = strlen(name);

	for (int i = 5; i < argc; i++)
		if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
			return atoi(argv[i] + length + 1);
	return otherwise;
}

static void set_layer(SSpatialLayerConfig *layer, int width, int height, int slices, int bytes)
{
	layer->iVideoWidth = width;
	layer->iVideoHeight = height;
	layer->fFrameRate = 25;
	layer->iSpatialBitrate = 100000;
	layer->iMaxSpatialBitrate = 0;
	if (slices > 1) {
		layer->sSliceArgument.uiSliceMode = SM_FIXEDSLCNUM_SLICE;
		layer->sSliceArgument.uiSliceNum = (unsigned int)slices;
	}
	if (bytes > 0) {
		layer->sSliceArgument.uiSliceMode = SM_SIZELIMITED_SLICE;
		layer->sSliceArgument.uiSliceSizeConstraint = (unsigned int)bytes;
	}
}

static void set_up(SEncParamExt *wanted, int argc, char **argv)
{
	int width = atoi(argv[3]), height = atoi(argv[4]);
	int layers = option(argc, argv, "spatial", 1), bytes = option(argc, argv, "bytes", 0);

	wanted->iPicWidth = width;
	wanted->iPicHeight = height;
	wanted->iTargetBitrate = 100000 * layers;
	wanted->iRCMode = RC_OFF_MODE;
	wanted->fMaxFrameRate = 25;
	wanted->iTemporalLayerNum = option(argc, argv, "temporal", 1);
	wanted->iSpatialLayerNum = layers;
	wanted->uiIntraPeriod = (unsigned int)option(argc, argv, "gop", 8);
	wanted->eSpsPpsIdStrategy = (EParameterSetStrategy)option(argc, argv, "ids", CONSTANT_ID);
	wanted->bPrefixNalAddingCtrl = option(argc, argv, "prefix", 0);
	wanted->bSimulcastAVC = option(argc, argv, "simulcast", 0);
	wanted->iEntropyCodingModeFlag = option(argc, argv, "cabac", 0);
	wanted->bEnableLongTermReference = option(argc, argv, "ltr", 0);
	wanted->bEnableFrameSkip = 0;
	wanted->iMultipleThreadIdc = 1;
	wanted->uiMaxNalSize = (unsigned int)(bytes > 0 ? bytes : 0);
	for (int i = 0; i < layers; i++)
		set_layer(&wanted->sSpatialLayers[i], width >> (layers - 1 - i), height >> (layers - 1 - i),
			  option(argc, argv, "slices", 1), bytes);
}

static void write_frame(const SFrameBSInfo *info, FILE *out)
{
	for (int i = 0; i < info->iLayerNum; i++) {
		const SLayerBSInfo *layer = &info->sLayerInfo[i];
		size_t bytes = 0;

		for (int j = 0; j < layer->iNalCount; j++)
			bytes += (size_t)layer->pNalLengthInByte[j];
		fwrite(layer->pBsBuf, 1, bytes, out);
	}
}

int main(int argc, char **argv)
{
	ISVCEncoder *encoder = NULL;
	SEncParamExt wanted;
	SFrameBSInfo info;
	SSourcePicture picture;
	FILE *in, *out;
	unsigned char *pixels;
	int width, height;
	size_t size;

	if (argc < 5 || !(in = fopen(argv[1], "rb")) || !(out = fopen(argv[2], "wb")) || WelsCreateSVCEncoder(&encoder))
		return 2;
	width = atoi(argv[3]);
	height = atoi(argv[4]);
	size = (size_t)(width * height * 3 / 2);
	(*encoder)->GetDefaultParams(encoder, &wanted);
	set_up(&wanted, argc, argv);
	pixels = malloc(size);
	if (!pixels || (*encoder)->InitializeExt(encoder, &wanted))
		return 1;
	memset(&picture, 0, sizeof picture);
	picture.iColorFormat = videoFormatI420;
	picture.iPicWidth = picture.iStride[0] = width;
	picture.iPicHeight = height;
	picture.iStride[1] = picture.iStride[2] = width / 2;
	picture.pData[0] = pixels;
	picture.pData[1] = pixels + width * height;
	picture.pData[2] = picture.pData[1] + width * height / 4;
	for (int i = 0; fread(pixels, 1, size, in) == size; i++) {
		picture.uiTimeStamp = i * 40;
		memset(&info, 0, sizeof info);
		if ((*encoder)->EncodeFrame(encoder, &picture, &info))
			return 1;
		write_frame(&info, out);
	}
	(*encoder)->Uninitialize(encoder);
	WelsDestroySVCEncoder(encoder);
	free(pixels);
	return fclose(out) != 0;
}
