package io.stillhouse.server.operator;

import java.util.function.Function;

/**
 * One operation of the API.
 *
 * @param path below {@link OperatorApi#BASE}, with variables in braces
 * @param call blocks; returns what becomes JSON
 */
record Route(String method, String path, Function<ApiRequest, Object> call) {}
