Register-ArgumentCompleter -Native -CommandName qstash -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $end = $cursorPosition - $commandAst.Extent.StartOffset
    $Env:_QSTASH_COMPLETE = 'powershell'
    $Env:_QSTASH_LINE = $commandAst.ToString().PadRight($end).Substring(0, $end)
    $answer = @(qstash 2>$null)
    Remove-Item Env:_QSTASH_COMPLETE, Env:_QSTASH_LINE
    $answer | Select-Object -Skip 1 | ForEach-Object {
        $value, $description = $_ -split "`t", 2
        if (-not $description) { $description = $value }
        $text = $value
        if ($text -match '[^\w@%+=:,./-]') { $text = "'" + $text.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new(
            $text, $value, 'ParameterValue', $description)
    }
}
