/* OHIF 3.13 in front of Orthanc's DICOMweb 1.7, both on one origin (server.py). What is not here, it does not do:
   no `dicomjson` and no `dicomwebproxy`, which would let a link choose the server that images come from. */
{
  const archive = {
    qidoRoot: '/dicom-web',
    wadoRoot: '/dicom-web',
    wadoUriRoot: '/wado',
    // What this DICOMweb can and cannot do.
    qidoSupportsIncludeField: false,
    supportsFuzzyMatching: false,
    supportsWildcard: true,
    imageRendering: 'wadors',
    thumbnailRendering: 'wadors',
    omitQuotationForMultipartRequest: true,
    bulkDataURI: { enabled: true },
    enableStudyLazyLoad: true,
    dicomUploadEnabled: false,
  };
  // A link may name either: /viewer?… takes the default, /viewer/main?… the second.
  const source = (sourceName, friendlyName) => ({
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
    sourceName,
    configuration: { ...archive, name: sourceName, friendlyName },
  });
  window.config = {
    routerBasename: null,
    extensions: [],
    modes: [],
    showStudyList: true,
    customizationService: [{ 'ohif.tours': { $set: [] } }], // a first visit would dim the image
    investigationalUseDialog: { option: 'never' },
    maxNumberOfWebWorkers: 2,
    showWarningMessageForCrossOrigin: false,
    showCPUFallbackMessage: false,
    showLoadingIndicator: true,
    strictZSpacingForVolumeViewport: true,
    groupEnabledModesFirst: true,
    maxNumRequests: { interaction: 20, thumbnail: 5, prefetch: 10 },
    defaultDataSourceName: 'orthanc',
    dataSources: [source('orthanc', 'Orthanc'), source('main', 'Main archive')],
  };
}
